################################################################################
#
# popcl
#
################################################################################

POPCL_VERSION = @VERSION@
POPCL_SITE = @SOURCE_URL@
POPCL_LICENSE = @LICENSE@
POPCL_LICENSE_FILES = LICENSE
POPCL_INSTALL_STAGING = YES
POPCL_DEPENDENCIES = bearssl

POPCL_MAKE = \
	$(TARGET_MAKE_ENV) $(MAKE) $(TARGET_CONFIGURE_OPTS) -C $(@D) \
	BEARSSL_LIBS=-lbearssl PREFIX=/usr

define POPCL_BUILD_CMDS
	$(POPCL_MAKE) command
endef

define POPCL_INSTALL_STAGING_CMDS
	$(POPCL_MAKE) DESTDIR=$(STAGING_DIR) install-lib
endef

define POPCL_INSTALL_TARGET_CMDS
	$(POPCL_MAKE) DESTDIR=$(TARGET_DIR) install-tools
endef

$(eval $(generic-package))
