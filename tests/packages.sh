#!/bin/sh
# SPDX-License-Identifier: MIT
# Has a POP3 server of Debian unpacked below a folder, and prints where: its packages, and the libraries that they need and this machine lacks.
# Nothing is installed, no script of a package runs, and root is not needed. So servers that exclude each other as packages stand side by side.
# apt-get fetches from the places that this machine installs its packages from, and checks their signatures.
#     sh tests/packages.sh popa3d|courier|cyrus|mailutils FOLDER
# Exit 1, and one line that says why, when it cannot be had.
set -u
name=${1:-}
case $name in
popa3d) packages="popa3d libuid-wrapper" ;;
courier) packages="courier-pop courier-base courier-authdaemon courier-authlib courier-authlib-userdb libuid-wrapper" ;;
cyrus) packages="cyrus-pop3d cyrus-common sasl2-bin libsasl2-modules libsasl2-modules-db" ;;
mailutils) packages="mailutils-pop3d" ;;
*) name= ;;
esac
[ -n "$name" ] && [ $# = 2 ] || { sed -n '6p' "$0" >&2; exit 2; }
unused='^lib(clamav|mspack)' # only a scanner beside the server needs it

cannot() {
    echo "the server $name cannot be had: $1" >&2
    exit 1
}

mkdir -p "$2" || exit 1
folder=$(cd "$2" && pwd) || exit 1
is_there() { [ "$(cat "$folder/$name/wanted" 2>/dev/null)" = "$packages" ]; }
if is_there; then
    echo "$folder/$name"
    exit
fi
command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1 || cannot "this machine has no apt-get"

work=$(mktemp -d "$folder/fetch.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/got" "$work/tree/files"

# lists: where apt-get finds the package lists, if not at their usual place.
lists=
apt() {
    apt-get -q -q -o Dir::Cache="$work/cache" ${lists:+-o Dir::State::Lists="$lists"} -o Debug::NoLocking=1 -o APT::Sandbox::User=root \
        -o Acquire::Languages=none -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 "$@"
}

# What `apt-get install` would do is asked for its libraries only.
fetch() {
    # shellcheck disable=SC2086
    would=$(apt -s --no-install-recommends install $packages 2>>"$work/said") || return 1
    libraries=$(echo "$would" | sed -n 's/^Inst \(lib[^ ]*\) .*/\1/p' | grep -v -E "$unused")
    rm -f "$work"/got/*.deb
    # shellcheck disable=SC2086
    (cd "$work/got" && apt download $(printf '%s\n' $packages $libraries | sort -u)) >>"$work/said" 2>&1
}

# This machine's lists may be missing, or older than what the places have now. New ones are kept apart.
: > "$work/said"
fetch || {
    lists=$work/lists
    : > "$work/said"
    apt update >>"$work/said" 2>&1
    fetch || cannot "$(grep -m 1 '^[EW]:' "$work/said" || echo "apt-get got no packages")"
}
for package in "$work"/got/*.deb; do
    dpkg-deb -x "$package" "$work/tree/files" || cannot "dpkg-deb does not unpack ${package##*/}"
    echo "${package##*/}" >> "$work/tree/packages"
done
echo "$packages" > "$work/tree/wanted"
# Somebody else may have been faster; what is there instead was made by an older version of this script.
is_there || {
    mv -T "$folder/$name" "$work/old" 2>/dev/null
    mv -T "$work/tree" "$folder/$name" 2>/dev/null
}
echo "$folder/$name"
