#!/bin/sh
# SPDX-License-Identifier: MIT
# Has the source of BearSSL or lwIP below a folder, and prints where. It comes from an archive or its URL, or else from Debian's source package,
# which apt-get fetches from the places that this machine installs its packages from. Nothing is installed and root is not needed. The SHA-256 of
# the upstream archive must be one of those known here, and no patch is applied.
#     sh tests/source.sh bearssl|lwip FOLDER [ARCHIVE|URL]
# BEARSSL_SRC=dir, LWIP_SRC=dir: that unpacked tree instead, as it is. SHA256=hex: an archive that is not known here. BearSSL must be 0.6, or git of
# June 2022 or later. Exit 1, and one line that says why, when it cannot be had.
set -u
here=$(cd "$(dirname "$0")" && pwd)
case "${1:-}" in
bearssl)
    name=BearSSL mark=inc/bearssl.h given=${BEARSSL_SRC:-} variable=BEARSSL_SRC
    known=$(cut -d ' ' -f 1 "$here/../packaging/bearssl.sha256") ;;
lwip)
    name=lwIP mark=src/include/lwip/tcp.h given=${LWIP_SRC:-} variable=LWIP_SRC
    known=0a8276d09fc4e97bbba2f953d74af2388fc2195ea156be9d7589e297a68fde24 ;;
*) sed -n '6p' "$0" >&2; exit 2 ;;
esac
package=$1

cannot() {
    echo "$name's source cannot be had: $1. Give its unpacked tree: $variable=dir" >&2
    exit 1
}

# BearSSL has no macro for its version: see src/tls/profile.c.
accept() {
    [ "$package" = bearssl ] || return 0
    grep -q BR_EC_KBUF_PRIV_MAX_SIZE "$1/inc/bearssl_ec.h" || cannot "$2 is older than BearSSL 0.6"
    grep -q BR_FEATURE_X509_TIME_CALLBACK "$1/inc/bearssl_x509.h" || ! grep -q 'br_ec_p256_m6[24]' "$1/inc/bearssl_ec.h" ||
        cannot "$2 is from git between 0.6 and June 2022: its P-256 loses carries"
}

if [ -n "$given" ]; then
    [ -e "$given/$mark" ] && [ -d "$given/src" ] || cannot "$given has no $mark and src"
    accept "$given" "$given"
    cd "$given" && pwd
    exit
fi
case $# in 2 | 3) ;; *) sed -n '6p' "$0" >&2; exit 2 ;; esac
mkdir -p "$2" || exit 1
folder=$(cd "$2" && pwd) || exit 1
if [ -e "$folder/$package/$mark" ]; then
    echo "$folder/$package"
    exit
fi

work=$(mktemp -d "$folder/fetch.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$work/got"

# Has the archive of a file, or of a URL, in $work/got.
from_place() {
    case $1 in
    *://*)
        archive=$work/got/${1##*/}
        if command -v curl >/dev/null 2>&1; then
            curl -sSfL -o "$archive" "$1" 2>"$work/said" || cannot "curl got no $1 ($(head -n 1 "$work/said"))"
        elif command -v wget >/dev/null 2>&1; then
            wget -q -O "$archive" "$1" || cannot "wget got no $1"
        else
            cannot "this machine has neither curl nor wget"
        fi ;;
    *)
        [ -f "$1" ] || cannot "there is no file $1"
        archive=$1 ;;
    esac
}

# The same from Debian.
from_apt() {
    command -v apt-get >/dev/null 2>&1 || cannot "this machine has no apt-get"
    mkdir -p "$work/parts" "$work/lists/partial" "$work/cache/archives/partial"
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
}

if [ $# = 3 ]; then from_place "$3"; else from_apt; fi
sum=$(sha256sum < "$archive" | cut -d ' ' -f 1)
echo "$known" "${SHA256:-}" | grep -q -w -F -e "$sum" || cannot "the archive ${archive##*/} is another one (its SHA-256 is $sum)"
mkdir "$work/tree" && tar -xf "$archive" -C "$work/tree" --strip-components=1 || cannot "tar does not unpack ${archive##*/}"
[ -e "$work/tree/$mark" ] || cannot "the archive holds no $mark"
accept "$work/tree" "the archive ${archive##*/}"
# Somebody else may have been faster.
mv -T "$work/tree" "$folder/$package" 2>/dev/null
echo "$folder/$package"
