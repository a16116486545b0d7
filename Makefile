# For those who expect one; ./dev knows more.
prefix ?= /usr/local

all:
	test -e build-make/CMakeCache.txt || cmake -S . -B build-make -DAUTONOMY_TESTS=OFF
	cmake --build build-make --parallel

install: all
	DESTDIR="$(DESTDIR)" cmake --install build-make --prefix "$(prefix)" --strip

dist deb check test:
	./dev $@

clean:
	rm -rf build-make

.PHONY: all install dist deb check test clean
