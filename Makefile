# SPDX-License-Identifier: GPL-3.0-or-later
#
# Builds the module and runs everything that tests, shows or measures it.
# `make help` lists the targets; V=1 shows every command. All that is made goes
# into build/, but for library/matrix_user, which is the same file as
# build/registrar.

BUILD := build
CC := gcc
CLANG := clang
PYTEST_WORKERS ?= 2
# More arguments for pytest: make pytest PYTEST_ARGS='-k demote -x'
PYTEST_ARGS ?=

MODULES := matrix_user matrix_connection_info

# ---- Flags -----------------------------------------------------------------

# pkg-config is asked once, and only by a target that compiles.
once = $(eval $(1) := $$(shell $(2)))$($(1))
LIBRARIES := jansson libcurl libcrypto libutf8proc yaml-0.1 libpq libcrypt libargon2
PKG_CFLAGS = $(call once,PKG_CFLAGS,pkg-config --cflags $(LIBRARIES))
PKG_LIBS = $(call once,PKG_LIBS,pkg-config --libs $(LIBRARIES))
# The language's library goes into the program, which starts faster for it and needs it
# nowhere; what is only tested takes the shared one, as the sanitizers do.
CXX_LIBS = -lstdc++ -lm
$(BUILD)/registrar: CXX_LIBS = -static-libgcc -Wl,-Bstatic -lstdc++ -Wl,-Bdynamic -lm
UNIT_LIBS = $(call once,UNIT_LIBS,pkg-config --libs cmocka)

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Werror
BASE_CFLAGS = -std=c11 -D_POSIX_C_SOURCE=200809L -g $(WARNINGS) -Imodule_src \
	-pthread -MMD -MP $(PKG_CFLAGS)
BASE_CXXFLAGS = -std=c++17 -g $(filter-out -Wstrict-prototypes,$(WARNINGS)) -Imodule_src \
	-pthread -MMD -MP $(PKG_CFLAGS)
HARDENING := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
RELEASE_CFLAGS = -O2 $(HARDENING)
RELEASE_LDFLAGS := -pie -Wl,-z,relro,-z,now -pthread
SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=all
ASAN_CFLAGS = -O1 -fno-omit-frame-pointer $(SANITIZERS)
ASAN_LDFLAGS := $(SANITIZERS) -pthread
FUZZ_CFLAGS = -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link $(SANITIZERS)
FUZZ_LDFLAGS := -fsanitize=fuzzer $(SANITIZERS) -fsanitize-link-c++-runtime -pthread

# ---- Sources, found ----------------------------------------------------------

# One of them is in C++ (base/config_toml.cc).
SOURCES := $(shell find module_src -name '*.c' -o -name '*.cc' 2>/dev/null | sort)
UNIT_TESTS := $(basename $(notdir $(wildcard tests/unit/test_*.c)))
UNIT_HELPERS := $(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c))
UNIT_SOURCES := $(wildcard tests/unit/*.c)
# Programs that a test in Python starts, to get at what no module does by itself.
SUPPORT_SOURCES := $(wildcard tests/support/*.c)
SUPPORT_PROGRAMS := $(basename $(notdir $(SUPPORT_SOURCES)))
FUZZ_TARGETS := $(basename $(notdir $(wildcard fuzz/fuzz_*.c)))

objects = $(addprefix $(1)/obj/,$(addsuffix .o,$(basename $(2))))

# ---- Quiet or not --------------------------------------------------------------

V ?= 0
ifeq ($(V),0)
Q := @
say = @printf '  %-7s %s\n' '$(1)' '$(2)';
SUBMAKE = $(MAKE) --no-print-directory --silent
else
Q :=
say =
SUBMAKE = $(MAKE) --no-print-directory
endif

.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all

##@ Building

.PHONY: all
all: $(MODULES:%=library/%)  ## build the module (what plain `make` does)

# The modules are one program, which knows by its name what it is asked to be.
library/%: $(BUILD)/registrar
	@mkdir -p $(@D)
	$(Q)ln -f $< $@ 2>/dev/null || cp -f $< $@

.PHONY: asan
asan: $(BUILD)/asan/registrar  ## build it with the address and undefined-behaviour sanitizers

# One way of compiling everything: folder, compiler, flags, linker flags.
define variant
$(1)/obj/%.o: %.c Makefile
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)$(2) $$(BASE_CFLAGS) $(3) -c -o $$@ $$<

$(1)/obj/%.o: %.cc Makefile
	@mkdir -p $$(@D)
	$$(call say,CXX,$$@)$(2) $$(BASE_CXXFLAGS) $(3) -c -o $$@ $$<

$(1)/registrar: $(call objects,$(1),$(SOURCES))
	$$(call say,LINK,$$@)$(2) $(4) $$(STRIP) -o $$@ $$^ $$(PKG_LIBS) $$(CXX_LIBS)

$(1)/unit/%: $(1)/obj/tests/unit/%.o \
		$(call objects,$(1),$(UNIT_HELPERS) $(filter-out module_src/main.c,$(SOURCES)))
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)$(2) $(4) $$(WRAP) -o $$@ $$^ $$(UNIT_LIBS) $$(PKG_LIBS) $$(CXX_LIBS)

$(1)/support/%: $(1)/obj/tests/support/%.o \
		$(call objects,$(1),$(filter-out module_src/main.c,$(SOURCES)))
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)$(2) $(4) -o $$@ $$^ $$(PKG_LIBS) $$(CXX_LIBS)

-include $(patsubst %.o,%.d,$(call objects,$(1),$(SOURCES) $(UNIT_SOURCES) $(SUPPORT_SOURCES) $(wildcard fuzz/*.c)))
endef
$(eval $(call variant,$(BUILD),$(CC),$$(RELEASE_CFLAGS),$(RELEASE_LDFLAGS)))
$(eval $(call variant,$(BUILD)/asan,$(CC),$$(ASAN_CFLAGS),$(ASAN_LDFLAGS)))
$(eval $(call variant,$(BUILD)/clang,$(CLANG),$$(RELEASE_CFLAGS),$(RELEASE_LDFLAGS)))

$(eval $(call variant,$(BUILD)/fuzz,$(CLANG),$$(FUZZ_CFLAGS),$(FUZZ_LDFLAGS)))

# They have functions of their own for these, in place of a database.
%/unit/test_mas_manage %/unit/test_mas_manage_new: WRAP := $(foreach name,rows_open rows_find rows_email_owner \
	rows_has_password,-Wl,--wrap=$(name))
# And these for this one (quick_pause.h).
%/unit/test_room_memory %/unit/test_room_answers: WRAP := -Wl,--wrap=stop_sleep_ms

# They have a function of their own for this one, which does the child's work at once.
$(BUILD)/fuzz/fuzz_homeserver_yaml $(BUILD)/fuzz/fuzz_dendrite_yaml \
	$(BUILD)/fuzz/fuzz_mas_config_yaml $(BUILD)/fuzz/fuzz_family_toml: FUZZ_LDFLAGS += -Wl,--wrap=child_run

$(BUILD)/fuzz/fuzz_%: $(BUILD)/fuzz/obj/fuzz/fuzz_%.o \
		$(call objects,$(BUILD)/fuzz,$(filter-out module_src/main.c,$(SOURCES)))
	$(call say,LINK,$@)$(CLANG) $(FUZZ_LDFLAGS) -o $@ $^ $(PKG_LIBS) $(CXX_LIBS)

# Ansible copies the program to the host for every task: no symbols in it.
$(BUILD)/registrar: STRIP := -s

##@ Setting up (the other targets do it by themselves)

VENVS := $(BUILD)/venv
DENDRITE := $(BUILD)/dendrite
# ansible, just, pytest ... are found first by what is run below.
WITH_TOOLS := PATH="$(CURDIR)/$(VENVS)/tools/bin:$$PATH"

.PHONY: deps
deps: deps-test deps-check deps-bench  ## install whatever any target needs

.PHONY: deps-build deps-demo deps-test deps-check deps-bench
deps-build:
	$(Q)tools/deps.sh build
deps-demo:
	$(Q)tools/deps.sh build python $(if $(filter dendrite,$(SERVER)),dendrite postgres)
	$(Q)$(SUBMAKE) $(VENVS)/tools/.stamp \
		$(if $(filter dendrite,$(SERVER)),$(DENDRITE)/.stamp,$(VENVS)/synapse/.stamp)
deps-test:
	$(Q)tools/deps.sh build python test dendrite postgres
	$(Q)$(SUBMAKE) $(foreach v,tools oldest synapse synapse-floor,$(VENVS)/$(v)/.stamp) \
		$(DENDRITE)/.stamp
deps-check: deps-test
	$(Q)tools/deps.sh check
deps-bench:
	$(Q)$(SUBMAKE) deps-demo SERVER=synapse
	$(Q)tools/deps.sh bench dendrite postgres
	$(Q)$(SUBMAKE) $(DENDRITE)/.stamp

DENDRITE_MODULE := tests/requirements/dendrite

$(DENDRITE)/.stamp: $(wildcard $(DENDRITE_MODULE)/*)
	$(Q)tools/dendrite.sh $(DENDRITE_MODULE) $(@D)

$(VENVS)/%/.stamp: tests/requirements/%.txt
	$(Q)tools/venv.sh $< $(@D)

##@ Seeing it work

# Which homeserver the demo shows: synapse or dendrite.
SERVER ?= synapse

.PHONY: demo
demo: deps-demo  ## a real homeserver on the loopback gets its first users (SERVER=dendrite)
	$(Q)$(SUBMAKE) -j2 all
	$(Q)$(WITH_TOOLS) SERVER=$(SERVER) python demo/demo.py

.PHONY: bench
bench: deps-bench  ## measure it beside what people use today (BENCH_SHORT=1: fewer rounds)
	$(Q)$(SUBMAKE) -j2 all $(BUILD)/bench/measure
	$(Q)$(WITH_TOOLS) python bench/bench.py

$(BUILD)/bench/measure: bench/measure.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -std=c11 -O2 $(WARNINGS) -o $@ $<

##@ Testing

# Each runner runs, whatever became of the one before, and says its own
# summary; one that failed fails the whole. Those that take one processor run two at
# a time, and what each says is kept together.
IN_TURNS := --keep-going --jobs=2 --output-sync=target
.PHONY: test
test: deps-test  ## unit tests, real servers, real ansible-playbook; also under sanitizers
	$(Q)$(SUBMAKE) -j2 all asan unit-programs unit-asan-programs fuzz-programs
	$(Q)failed=; \
	$(SUBMAKE) $(IN_TURNS) unit unit-asan unit-valgrind fuzz-short || failed=1; \
	$(SUBMAKE) --keep-going pytest pytest-asan-short || failed=1; \
	[ -z "$$failed" ]

.PHONY: check
check: deps-check  ## sanitizers, valgrind, the oldest Ansible, warnings of two compilers, linters
	$(Q)$(SUBMAKE) -j2 all asan unit-programs unit-asan-programs warnings-clang
	$(Q)$(SUBMAKE) --keep-going unit-asan unit-valgrind pytest-asan pytest-oldest-ansible lint

# $(call run-each,PROGRAMS,BEFORE): all of them, then the verdict.
define run-each
$(Q)failed=; for program in $(sort $(1)); do \
	$(2) $$program || failed="$$failed $$program"; \
done; \
if [ -n "$$failed" ]; then echo "failed:$$failed" >&2; exit 1; fi
endef
# A child that was forked has what its parent will free, and does not free it.
VALGRIND := valgrind --quiet --error-exitcode=99 --child-silent-after-fork=yes --leak-check=full \
	--errors-for-leak-kinds=definite,indirect,possible

.PHONY: unit unit-asan unit-valgrind unit-programs unit-asan-programs
unit: unit-programs  ## the unit tests
	$(call run-each,$(UNIT_TESTS:%=$(BUILD)/unit/%))
unit-asan: unit-asan-programs  ## the unit tests under sanitizers
	$(call run-each,$(UNIT_TESTS:%=$(BUILD)/asan/unit/%))
unit-valgrind: unit-programs  ## the unit tests under valgrind
	$(call run-each,$(UNIT_TESTS:%=$(BUILD)/unit/%),$(VALGRIND))
unit-programs: $(UNIT_TESTS:%=$(BUILD)/unit/%)
unit-asan-programs: $(UNIT_TESTS:%=$(BUILD)/asan/unit/%)

PYTEST = $(WITH_TOOLS) python -m pytest -q -n $(PYTEST_WORKERS) --dist loadscope

# What makes the most of the module's code run, and all that is there to break it.
SANITIZED := tests/hostile $(addprefix tests/servers/,test_scenario.py test_fields.py \
	test_discovery_trust.py test_cut_off.py test_dendrite_cut_off.py test_dendrite_rows.py \
	test_database_hostile.py test_mas_hostile.py test_mas_cut_off.py test_mas_manage.py \
	test_mas_rows.py \
	test_room_concurrency.py test_family_cut_off.py::test_a_reactivation)

.PHONY: pytest pytest-oldest-ansible pytest-asan pytest-asan-short
pytest: all $(SUPPORT_PROGRAMS:%=$(BUILD)/support/%) $(VENVS)/tools/.stamp  ## everything that runs the module or reads the project
	$(Q)$(PYTEST) tests $(PYTEST_ARGS)
# Each entry point runs there in the run above already, with what depends on the version.
pytest-oldest-ansible: all $(VENVS)/tools/.stamp  ## every playbook on the oldest ansible-core
	$(Q)$(PYTEST) tests/playbooks --every-ansible -k oldest $(PYTEST_ARGS)
# The oldest Synapse makes the module do little that the newest does not, so
# that it is left to the run above.
ASAN_PROGRAMS := asan $(SUPPORT_PROGRAMS:%=$(BUILD)/asan/support/%)
pytest-asan: $(ASAN_PROGRAMS) $(VENVS)/tools/.stamp  ## the module against servers, under sanitizers
	$(call pytest-under-asan,tests/servers tests/hostile)
pytest-asan-short: $(ASAN_PROGRAMS) $(VENVS)/tools/.stamp  ## the part of it that is in `make test`
	$(call pytest-under-asan,$(SANITIZED))
define pytest-under-asan
$(Q)REGISTRAR_BINARY=$(BUILD)/asan/registrar $(PYTEST) $(1) -k 'not floor' $(PYTEST_ARGS)
endef

# What a target finds interesting is kept in build/fuzz/corpus for the next time,
# an input that breaks it is build/fuzz/NAME-crash-...
FUZZ_SECONDS ?= 300
FUZZ_SHORT := -runs=20000 -max_total_time=10
define run-fuzzer
$(Q)mkdir -p $(BUILD)/fuzz/corpus/$(1) fuzz/corpus/$(1)
$(Q)cp -R fuzz/corpus/$(1)/. $(BUILD)/fuzz/corpus/$(1)
$(call say,FUZZ,$(1))$(BUILD)/fuzz/fuzz_$(1) $(2) -timeout=20 -max_len=65536 \
	-verbosity=0 -print_final_stats=1 -artifact_prefix=$(BUILD)/fuzz/$(1)- $(BUILD)/fuzz/corpus/$(1)
endef

.PHONY: fuzz fuzz-short fuzz-programs
fuzz: $(FUZZ_TARGETS:fuzz_%=fuzz-long-%)  ## each fuzzer for FUZZ_SECONDS (300)
fuzz-short: $(FUZZ_TARGETS:fuzz_%=fuzz-short-%)  ## each fuzzer for some seconds
fuzz-programs: $(FUZZ_TARGETS:%=$(BUILD)/fuzz/%)
fuzz-long-%: $(BUILD)/fuzz/fuzz_%
	$(call run-fuzzer,$*,-max_total_time=$(FUZZ_SECONDS))
fuzz-short-%: $(BUILD)/fuzz/fuzz_%
	$(call run-fuzzer,$*,$(FUZZ_SHORT))

.PHONY: lint warnings-clang yamllint ansible-lint
lint: warnings-clang yamllint ansible-lint  ## clang's warnings, yamllint, ansible-lint
warnings-clang: $(call objects,$(BUILD)/clang,$(SOURCES) $(UNIT_SOURCES) $(SUPPORT_SOURCES) $(wildcard fuzz/*.c))
yamllint: $(VENVS)/tools/.stamp
	$(Q)$(WITH_TOOLS) yamllint --strict .
ansible-lint: all $(VENVS)/tools/.stamp
	$(Q)$(WITH_TOOLS) ansible-lint --strict

##@ Cleaning up

.PHONY: clean distclean help
clean:  ## remove what was built, keep the virtual environments and Dendrite
	$(Q)find $(BUILD) -mindepth 1 -maxdepth 1 ! -name venv ! -name dendrite -exec rm -rf {} + 2>/dev/null || true
	$(Q)rm -f $(MODULES:%=library/%)
distclean: clean  ## remove these, too
	$(Q)rm -rf $(BUILD)

help:  ## this list
	@awk -F ':.*  ## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*  ## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
