#!/bin/sh
# Finds what a build, the demo or the checks need and this machine lacks, and installs it with apt-get: as root directly, else through sudo.
# Where all is there it does nothing. It installs packages and configures nothing: a service that comes with one is neither enabled nor started
# (no_start.sh), and what is left of it is said. A Dovecot that was here before is not touched.
#     sh tests/setup.sh build|demo|firmware|check|bench ...
set -u
missing=

# want PACKAGE TEST...: the package is missing if the test fails.
want() {
    package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}

one_of() { # one of these files is there
    for file in "$@"; do
        [ -e "$file" ] && return 0
    done
    return 1
}

arm_file() { # the ARM compiler finds this file of its own
    [ -e "$(arm-none-eabi-gcc -print-file-name="$1")" ]
}

# Valgrind needs the symbols of the C library, which are a package of their own.
valgrind_works() {
    valgrind -q true
}

# What -fsanitize=fuzzer links is a package of its own, named by clang's version: the one that is here, or else that of Debian 12.
clang_rt() {
    version=$(clang -dumpversion 2>/dev/null || echo 14)
    echo "libclang-rt-${version%%.*}-dev"
}

fuzzer_links() {
    echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }' | clang -fsanitize=fuzzer -x c - -o /dev/null
}

find_missing() {
    missing=
    for group in "$@"; do
        case $group in
        build)
            cc=${CC:-gcc}
            want gcc command -v "${cc%% *}"
            want libc6-dev one_of /usr/include/stdio.h
            if [ -z "${BEARSSL:-}" ]; then want libbearssl-dev one_of /usr/include/bearssl.h; fi
            ;;
        demo)
            want python3 command -v python3
            want dovecot-pop3d one_of /usr/lib/dovecot/pop3-login /usr/libexec/dovecot/pop3-login
            want openssl command -v openssl
            ;;
        firmware)
            want gcc-arm-none-eabi command -v arm-none-eabi-gcc
            want picolibc-arm-none-eabi arm_file picolibc.specs
            want qemu-system-arm command -v qemu-system-arm
            want xz-utils command -v xz
            ;;
        check)
            want libcmocka-dev one_of /usr/include/cmocka.h
            want valgrind command -v valgrind
            want libc6-dbg valgrind_works
            want openssl command -v openssl
            want ca-certificates one_of /etc/ssl/certs/ca-certificates.crt
            want iproute2 one_of /usr/sbin/ip /sbin/ip /usr/bin/ip
            want nftables one_of /usr/sbin/nft /sbin/nft /usr/bin/nft
            want gnutls-bin command -v gnutls-serv
            want clang command -v clang
            want "$(clang_rt)" fuzzer_links
            want clang-format command -v clang-format
            want clang-tidy command -v clang-tidy
            want cppcheck command -v cppcheck
            if [ -z "${BEARSSL:-}" ]; then want libbearssl-dev one_of /usr/include/bearssl.h; fi
            ;;
        bench)
            want python3 command -v python3
            want curl command -v curl
            want openssl command -v openssl
            ;;
        *)
            echo "setup.sh: unknown group $group" >&2
            exit 2
            ;;
        esac
    done
}

find_missing "$@"
[ -z "$missing" ] && exit 0

by_hand="apt-get install --no-install-recommends$missing"
if ! command -v apt-get >/dev/null 2>&1; then
    echo "missing:$missing (names of Debian 12). This machine has no apt-get: install them with its package manager, then run make again." >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
elif command -v sudo >/dev/null 2>&1 && [ -t 0 ]; then
    as_root=sudo
else
    echo "missing:$missing. Neither root nor sudo here: have an administrator run: $by_hand" >&2
    exit 1
fi

# The services of this machine, one a line.
services() {
    for file in /etc/init.d/* /lib/systemd/system/*.service /usr/lib/systemd/system/*.service /etc/systemd/system/*.service; do
        [ -e "$file" ] || continue
        file=${file##*/}
        echo "${file%.service}"
    done | sort -u
}

here=$(cd "$(dirname "$0")" && pwd)
quiet=$(mktemp -d) || exit 1
trap 'rm -rf "$quiet"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$quiet"
services > "$quiet/before"
cp "$here/no_start.sh" "$quiet/no_start.sh"
chmod 755 "$quiet/no_start.sh"
for name in invoke-rc.d update-rc.d service deb-systemd-invoke deb-systemd-helper systemctl; do
    ln -s no_start.sh "$quiet/$name"
done

# In dpkg's path for this run alone: nothing of this machine changes for it.
apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l apt-get -q -y -o DPkg::Lock::Timeout=600 \
        -o DPkg::Path="$quiet:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" "$@"
}

# What came in spite of no_start.sh (an apt-get without DPkg::Path, a /tmp whose programs may not run) is undone.
undo() {
    command -v systemctl >/dev/null 2>&1 || return 0
    for unit in "$1.socket" "$1.service"; do
        if systemctl is-active "$unit" || [ "$(systemctl is-enabled "$unit" 2>/dev/null)" = enabled ]; then
            $as_root systemctl disable --now "$unit"
        fi
    done >/dev/null 2>&1
}

tell_services() {
    new=$(services | grep -v -x -F -f "$quiet/before" | tr '\n' ' ')
    for name in $new; do
        undo "$name"
    done
    [ -z "$new" ] || echo "These services came with the packages; they are neither enabled nor started: ${new% }"
    if grep -q -x dovecot "$quiet/before"; then
        case "$missing_before " in
        *" dovecot-pop3d "*)
            echo "A Dovecot was here before. It was not restarted; from its next start on it also serves POP3, unless \`protocols\` in its" \
                "configuration says otherwise."
            ;;
        esac
    fi
}

echo "installing:$missing"
missing_before=$missing
# Lists may be empty (a fresh machine), old (a package moved on), or locked by a second run of this script.
# shellcheck disable=SC2086
apt-cache show $missing >/dev/null 2>&1 || apt update
for try in 1 2 3 4 5 6; do
    # shellcheck disable=SC2086
    apt install --no-install-recommends $missing && break
    sleep $((try * 3))
    apt update
done

find_missing "$@"
tell_services
[ -z "$missing" ] && exit 0
echo "still missing:$missing. Look at what apt-get said above, or run: ${as_root:+sudo }apt-get install --no-install-recommends$missing" >&2
exit 1
