# SPDX-License-Identifier: MIT
{ lib, stdenv, fetchurl, bearssl }:

stdenv.mkDerivation rec {
  pname = "popcl";
  version = "@VERSION@";

  src = fetchurl {
    url = "@SOURCE_URL@/popcl-${version}.tar.gz";
    sha256 = "@SHA256@";
  };

  buildInputs = [ bearssl ];
  makeFlags = [ "PREFIX=$(out)" "BEARSSL_LIBS=-lbearssl" ];
  buildFlags = [ "command" ];
  enableParallelBuilding = true;

  meta = with lib; {
    description = "@SUMMARY@";
    homepage = "@URL@";
    license = licenses.mit;
    platforms = platforms.unix;
    mainProgram = "popcl";
  };
}
