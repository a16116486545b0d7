#!/bin/sh
# The feed's Makefile with as little of OpenWrt's build system around it as it needs: it parses, copies a tree that CMake
# takes, and installs these files.
# usage: openwrt.sh SOURCE-TREE BUILD-TREE
set -eu
tree=$1
build=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/top/include" "$work/out" "$work/build"
cat >"$work/top/rules.mk" <<'END'
INCLUDE_DIR:=$(TOPDIR)/include
BUILD_DIR:=$(WORK)/build
INSTALL_DIR:=install -d -m0755
INSTALL_BIN:=install -m0755
INSTALL_CONF:=install -m0600
CP:=cp -fpR
SED:=sed -i -e
TLT_PLATFORM_NAME:=RUTX
END
cat >"$work/top/include/package.mk" <<'END'
PKG_BUILD_DIR:=$(BUILD_DIR)/$(PKG_NAME)-$(PKG_VERSION)
PKG_INSTALL_DIR:=$(PKG_BUILD_DIR)/ipkg-install
define BuildPackage
$(eval $(call Package/$(1)))
fields-$(1):
	@echo "$(1) $(PKG_VERSION)-$(PKG_RELEASE) [$(SECTION)/$(CATEGORY)] $(TITLE)"
	@echo "depends $(DEPENDS)"
	@echo "rutos $(PKG_TLT_NAME)/$(PKG_ROUTER)"
install-$(1):
	$(call Package/$(1)/install,$(WORK)/out/$(1))
scripts-$(1):
	$(file >$(WORK)/$(1).prerm,$(Package/$(1)/prerm))
	$(file >$(WORK)/$(1).postinst,$(Package/$(1)/postinst))
	$(file >$(WORK)/$(1).conffiles,$(Package/$(1)/conffiles))
endef
END
cat >"$work/top/include/cmake.mk" <<'END'
prepare:
	$(Build/Prepare)
options:
	@echo $(CMAKE_OPTIONS)
linker-flags:
	@echo $(TARGET_LDFLAGS)
END
feed() {
	make --no-print-directory -s -C "$tree/package/openwrt/autonomy" TOPDIR="$work/top" WORK="$work" "$@"
}

version=$(sed -n 's/^set(AUTONOMY_VERSION \(.*\))$/\1/p' "$tree/CMakeLists.txt")
expr "$version" : '[0-9.]*$' >/dev/null
cat >"$work/expected" <<END
autonomy $version-1 [net/Network] Keeps a site online over several uplinks
depends +libevent2-core +libmnl +libjson-c +kmod-nf-conntrack-netlink
rutos Autonomy/RUTX
autonomy-replay $version-1 [net/Network] Replays what autonomyd recorded
depends +libjson-c +zlib
rutos Autonomy replay/RUTX
END
feed fields-autonomy fields-autonomy-replay | diff -u "$work/expected" -

feed linker-flags ARCH=aarch64 | grep -q 'max-page-size=4096'
[ -z "$(feed linker-flags ARCH=loongarch64)" ]

# the tree that was copied is complete
feed prepare
source=$work/build/autonomy-$version
# shellcheck disable=SC2046
cmake -S "$source" -B "$work/configured" $(feed options) >"$work/cmake" 2>&1 || {
	cat "$work/cmake" >&2
	exit 1
}
DESTDIR=$source/ipkg-install cmake --install "$build" --prefix /usr >/dev/null

feed install-autonomy install-autonomy-replay
(cd "$work/out" && find . -type f -printf '%m %P\n' | sort -k 2) >"$work/installed"
diff -u "$tree/tests/package/openwrt.files" "$work/installed"
grep -q "^	option state_dir '/etc/autonomy'" "$work/out/autonomy/etc/config/autonomy"
"$build/autonomyctl" config check "$work/out/autonomy/etc/config/autonomy"

feed scripts-autonomy scripts-autonomy-replay
grep -qx /etc/config/autonomy "$work/autonomy.conffiles"
# what comes in $$ in a Makefile is one $ in the script
# shellcheck disable=SC2016
grep -q '\[ "${PKG_UPGRADE}" = 1 \]' "$work/autonomy.prerm"
sh -n "$work/autonomy.prerm"
# in an image under construction, and on an upgrade, nothing is taken out
IPKG_INSTROOT=/image sh "$work/autonomy.prerm"
PKG_UPGRADE=1 sh "$work/autonomy.prerm"

# a daemon that runs through an upgrade is replaced; one that was stopped for it, or by its owner, is left to the rest
cat >"$work/init" <<'END'
#!/bin/sh
echo "$1" >>"$0.said"
[ "$1" != running ] || [ -e "$0.runs" ]
END
chmod +x "$work/init"
sed "s,/etc/init.d/autonomy,$work/init,g" "$work/autonomy.postinst" >"$work/postinst"
after_install() {
	: >"$work/init.said"
	env "$@" sh "$work/postinst"
	tr '\n' ' ' <"$work/init.said"
}
[ "$(after_install PKG_UPGRADE=1)" = 'running ' ]
: >"$work/init.runs"
[ "$(after_install PKG_UPGRADE=1)" = 'running restart ' ]
[ -z "$(after_install PKG_UPGRADE=0)" ]
[ -z "$(after_install PKG_UPGRADE=1 IPKG_INSTROOT=/image)" ]
echo "as expected"
