# For those who expect one; ./dev knows more.
prefix ?= /usr/local

all:
	test -e build/CMakeCache.txt || cmake -S . -B build -DAUTONOMY_TESTS=OFF
	cmake --build build --parallel

install: all
	DESTDIR="$(DESTDIR)" cmake --install build --prefix "$(prefix)" --strip

dist deb check test:
	./dev $@

clean:
	rm -rf build

.PHONY: all install dist deb check test clean
