#!/bin/sh
# SPDX-License-Identifier: MIT
# Has the source of BearSSL or lwIP below a folder, for builds that are not for this machine, and prints where: Debian's source package, fetched
# by apt-get from the places that this machine installs its packages from. Nothing is installed and root is not needed: the list of places, the
# package lists and what is fetched lie below the folder. Only the upstream archive is taken, its SHA-256 is fixed here, and no patch is applied.
#     sh tests/source.sh bearssl|lwip FOLDER        BEARSSL_SRC=dir, LWIP_SRC=dir: that unpacked tree instead, as it is
# Exit 1, and one line that says why, when it cannot be had.
set -u
case "${1:-}" in
bearssl)
    name=BearSSL mark=inc/bearssl.h given=${BEARSSL_SRC:-} variable=BEARSSL_SRC
    sha256=102a625bd8f6155260867a50c508df8d8c3f796985dd744df1a68e5cd1a79004 ;;
lwip)
    name=lwIP mark=src/include/lwip/tcp.h given=${LWIP_SRC:-} variable=LWIP_SRC
    sha256=0a8276d09fc4e97bbba2f953d74af2388fc2195ea156be9d7589e297a68fde24 ;;
*) sed -n '5p' "$0" >&2; exit 2 ;;
esac
package=$1

cannot() {
    echo "$name's source cannot be had: $1. Give its unpacked tree: $variable=dir" >&2
    exit 1
}

if [ -n "$given" ]; then
    [ -e "$given/$mark" ] && [ -d "$given/src" ] || cannot "$given has no $mark and src"
    cd "$given" && pwd
    exit
fi
[ $# = 2 ] || { sed -n '5p' "$0" >&2; exit 2; }
mkdir -p "$2" || exit 1
folder=$(cd "$2" && pwd) || exit 1
if [ -e "$folder/$package/$mark" ]; then
    echo "$folder/$package"
    exit
fi
command -v apt-get >/dev/null 2>&1 || cannot "this machine has no apt-get"

work=$(mktemp -d "$folder/fetch.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$work/parts" "$work/lists/partial" "$work/cache/archives/partial" "$work/got"

# Each place again, as one of sources; apt has a form of one line and one of several.
etc=$(apt-config shell etc Dir::Etc/d 2>/dev/null) && eval "$etc"
etc=${etc:-/etc/apt}
cat "$etc/sources.list" "$etc"/sources.list.d/*.list 2>/dev/null |
    sed -n -E 's/^[[:space:]]*deb(-src)?[[:space:]]+/deb-src /p' | sort -u > "$work/parts/a.list"
for file in "$etc"/sources.list.d/*.sources; do
    [ -e "$file" ] && sed -E 's/^Types:.*/Types: deb-src/I' "$file" && echo
done > "$work/parts/b.sources"

apt() {
    apt-get -q -q -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/parts" -o Dir::State::Lists="$work/lists" \
        -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Retries=3 "$@"
}
# A place without sources makes update fail, and does not matter if another has them.
apt update >"$work/said" 2>&1
(cd "$work/got" && apt source --download-only "$package") >>"$work/said" 2>&1
archive=$(find "$work/got" -name "${package}_*.orig.tar.*" ! -name '*.asc')
[ -n "$archive" ] || cannot "apt-get got no source package $package ($(grep -m 1 '^[EW]:' "$work/said"))"
echo "$sha256  $archive" | sha256sum -c --status || cannot "the archive from apt-get is another one ($(sha256sum < "$archive" | cut -c 1-64))"
mkdir "$work/tree" && tar -xf "$archive" -C "$work/tree" --strip-components=1 || cannot "tar does not unpack ${archive##*/}"
[ -e "$work/tree/$mark" ] || cannot "the archive holds no $mark"
# Somebody else may have been faster.
mv -T "$work/tree" "$folder/$package" 2>/dev/null
echo "$folder/$package"
