# SPDX-License-Identifier: MIT
# Finds BearSSL on this system, the archive before the shared library: the target BearSSL::BearSSL. BearSSL brings no file of its own for this.
# BearSSL_ROOT names a folder to look in first.
find_path(BearSSL_INCLUDE_DIR NAMES bearssl_x509.h PATH_SUFFIXES bearssl)
find_library(BearSSL_LIBRARY NAMES libbearssl.a bearssl)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(BearSSL REQUIRED_VARS BearSSL_LIBRARY BearSSL_INCLUDE_DIR)
mark_as_advanced(BearSSL_INCLUDE_DIR BearSSL_LIBRARY)
if(BearSSL_FOUND AND NOT TARGET BearSSL::BearSSL)
  add_library(BearSSL::BearSSL UNKNOWN IMPORTED)
  set_target_properties(BearSSL::BearSSL PROPERTIES IMPORTED_LOCATION "${BearSSL_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${BearSSL_INCLUDE_DIR}")
endif()
