#!/bin/sh
# SPDX-License-Identifier: MIT
# Finds what a build, the demo or the checks need and this machine lacks, and installs it with apt-get: as root directly, else through sudo.
# Where all is there it does nothing. It installs packages and configures nothing: a service that comes with one is neither enabled nor started
# (no_start.sh), and what is left of it is said. A Dovecot that was here before is not touched.
#     sh tests/setup.sh build|demo|firmware|check|bench|adoption|ways ...
#     sh tests/setup.sh --look check-PART...      installs nothing: if a part of the checks lacks packages, one line with their names, and exit 1
set -u

one_of() { # one of these files is there
    for file in "$@"; do
        [ -e "$file" ] && return 0
    done
    return 1
}

file_of() { # this compiler finds this file of its own
    [ -e "$("$1" -print-file-name="$2")" ]
}

# What -fsanitize=fuzzer links is a package of its own, named by clang's version: the one that is here, or else that of Debian 12.
clang_rt() {
    version=$(clang -dumpversion 2>/dev/null || echo 14)
    echo "libclang-rt-${version%%.*}-dev"
}

fuzzer_links() {
    echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }' | clang -fsanitize=fuzzer -x c - -o /dev/null
}

# Whether a package is there: the file, the program or the ability that it is wanted for. Most have a program of their name.
has() {
    case $1 in
    gcc) cc=${CC:-gcc} && command -v "${cc%% *}" ;;
    libc6-dev) one_of /usr/include/stdio.h ;;
    libbearssl-dev) [ -n "${BEARSSL:-}" ] || one_of /usr/include/bearssl.h ;;
    libssl-dev) one_of /usr/include/openssl/x509v3.h ;;
    libmbedtls-dev) one_of /usr/include/mbedtls/ssl.h ;;
    libgnutls28-dev) one_of /usr/include/gnutls/x509.h ;;
    golang-go) command -v go ;;
    libcmocka-dev) one_of /usr/include/cmocka.h ;;
    dovecot-pop3d) one_of /usr/lib/dovecot/pop3-login /usr/libexec/dovecot/pop3-login ;;
    ca-certificates) one_of /etc/ssl/certs/ca-certificates.crt ;;
    gcc-arm-none-eabi) command -v arm-none-eabi-gcc ;;
    picolibc-arm-none-eabi) file_of arm-none-eabi-gcc picolibc.specs ;;
    gcc-riscv64-unknown-elf) command -v riscv64-unknown-elf-gcc ;;
    picolibc-riscv64-unknown-elf) file_of riscv64-unknown-elf-gcc picolibc.specs ;;
    qemu-system-misc) command -v qemu-system-riscv32 ;;
    xz-utils) command -v xz ;;
    ninja-build) command -v ninja ;;
    pkgconf) command -v pkg-config ;;
    dpkg-dev) command -v dpkg-buildpackage ;;
    debhelper) command -v dh ;;
    nix-bin) command -v nix-instantiate ;;
    musl-tools) command -v musl-gcc ;;
    libc6-dbg) valgrind -q true ;; # it needs the symbols of the C library, which are a package of their own
    iproute2) one_of /usr/sbin/ip /sbin/ip /usr/bin/ip ;;
    nftables) one_of /usr/sbin/nft /sbin/nft /usr/bin/nft ;;
    gnutls-bin) command -v gnutls-serv ;;
    libsasl2-modules) one_of /usr/lib/*/sasl2/libscram.so ;;
    libsasl2-modules-db) one_of /usr/lib/*/sasl2/libsasldb.so ;;
    perl) command -v prove ;;
    python3-kconfiglib) one_of /usr/lib/python3/dist-packages/kconfiglib.py ;;
    python3-yaml) one_of /usr/lib/python3/dist-packages/yaml/__init__.py ;;
    libxml2-utils) command -v xmllint ;;
    getmail6) command -v getmail ;;
    chromium) command -v chromium || command -v chromium-browser || command -v google-chrome ;;
    libclang-rt-*) fuzzer_links ;;
    *) command -v "$1" ;;
    esac >/dev/null 2>&1
}

# The packages of a group or a part. What a part can do without, and skips, is not among them.
build="gcc libc6-dev libbearssl-dev"
demo="python3 dovecot-pop3d openssl"
arm="python3 gcc-arm-none-eabi picolibc-arm-none-eabi"
rv32="gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf"
packages() {
    case $1 in
    # what is installed
    build) echo "$build" ;;
    demo) echo "$demo" ;;
    firmware) echo "$arm qemu-system-arm xz-utils" ;;
    check) echo "g++ mandoc zsh fish libcmocka-dev valgrind libc6-dbg openssl ca-certificates iproute2 nftables gnutls-bin clang $(clang_rt) clang-format clang-tidy" \
        "$rv32 qemu-system-misc cppcheck libbearssl-dev perl libssl-dev libmbedtls-dev libgnutls28-dev golang-go libsasl2-modules libsasl2-modules-db mutt tmux bogofilter" ;;
    bench) echo "python3 openssl curl mpop fetchmail getmail6 valgrind" ;;
    # what is looked for: the checks of the Makefile
    check-unit | check-transcripts | check-quick | check-sim | check-model | check-window) echo "$build python3 libcmocka-dev" ;;
    check-fast) echo "$build python3 libcmocka-dev clang-format" ;;
    check-valgrind) echo "$build python3 libcmocka-dev valgrind libc6-dbg" ;;
    check-sanitize) echo "$build $demo libcmocka-dev gnutls-bin" ;;
    check-interop) echo "$build $demo g++ ca-certificates gnutls-bin libmbedtls-dev libssl-dev mutt tmux" ;;
    check-readme) echo "$build $demo ca-certificates perl bogofilter mutt $(packages check-lint)" ;;
    check-lwip) echo "$build $demo libcmocka-dev" ;;
    check-port) echo "$build python3 libmbedtls-dev libssl-dev" ;;
    check-settings) echo "$build python3" ;;
    check-x509 | check-chains | check-bench) echo "$build python3 openssl" ;;
    check-fuzz) echo "$build python3 openssl clang $(clang_rt)" ;;
    check-lint) echo "$build $arm libcmocka-dev libmbedtls-dev libssl-dev clang clang-format clang-tidy cppcheck" ;;
    # what check-adoption needs, which is no part of check: a line for each module of tests/adoption
    adoption)
        echo "$build $demo $arm $rv32 xz-utils"
        packages ways
        echo "clang libcmocka-dev g++ musl-tools"
        echo "dpkg-dev debhelper lintian ca-certificates nix-bin doxygen"
        echo "python3-kconfiglib python3-yaml libxml2-utils libmbedtls-dev libssl-dev"
        echo "chromium"
        packages check-bare-root
        ;;
    ways) echo "cmake ninja-build meson pkgconf" ;;
    check-bare-root) echo "python3 git mmdebstrap iproute2" ;;
    check-adoption) packages adoption ;;
    check-format) echo "python3 clang-format" ;;
    check-manual) echo "$build python3 mandoc" ;;
    check-arm) echo "$build $arm $rv32" ;;
    check-firmware-tls) echo "$build $arm $rv32 openssl qemu-system-arm qemu-system-misc" ;;
    check-figures) echo "$build $arm openssl qemu-system-arm" ;;
    check-firmware) echo "$build $demo $arm qemu-system-arm" ;;
    check-layers | check-docs | check-harness) echo python3 ;;
    *) return 1 ;;
    esac
}

find_missing() {
    missing=
    for group in "$@"; do
        names=$(packages "$group") || { echo "setup.sh: unknown group $group" >&2; exit 2; }
        for package in $names; do
            case "$missing " in *" $package "*) continue ;; esac
            has "$package" || missing="$missing $package"
        done
    done
}

deps="make deps"
case " $* " in *" check-adoption "* | *" check-bare-root "*) deps="make deps-adoption" ;; esac
if [ "${1:-}" = --look ]; then
    shift
    find_missing "$@"
    [ -z "$missing" ] && exit 0
    echo "missing:$missing. Run: $deps"
    exit 1
fi

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
