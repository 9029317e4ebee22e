# SPDX-License-Identifier: MIT
SUMMARY = "@SUMMARY@"
DESCRIPTION = "The command popcl, the host tool popcl-ta for trust anchors, and their library."
HOMEPAGE = "@URL@"
BUGTRACKER = "@ISSUES_URL@"
SECTION = "network"
LICENSE = "@LICENSE@"
LIC_FILES_CHKSUM = "file://LICENSE;md5=@LICENSE_MD5@"

SRC_URI = "@SOURCE_URL@/popcl-${PV}.tar.gz"
SRC_URI[sha256sum] = "@SHA256@"

DEPENDS = "bearssl"

EXTRA_OEMAKE = "PREFIX=${prefix} BINDIR=${bindir} LIBDIR=${libdir} INCLUDEDIR=${includedir} MANDIR=${mandir} BEARSSL_LIBS=-lbearssl"

do_compile() {
    oe_runmake command
}

do_install() {
    oe_runmake DESTDIR=${D} install
}

PACKAGES =+ "popcl-ta"
FILES:popcl-ta = "${bindir}/popcl-ta"
FILES:${PN} += "${datadir}/bash-completion ${datadir}/zsh ${datadir}/fish"
RRECOMMENDS:${PN} += "ca-certificates"

BBCLASSEXTEND = "native nativesdk"
