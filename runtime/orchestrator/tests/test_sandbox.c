/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox: its packed form, its filter, and (as root) what a service sees from inside. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "rig.h"
#include "runtime/launcher/filter.h"
#include "runtime/launcher/sandbox.h"

static void make(struct hpl_sandbox *s)
{
	*s = (struct hpl_sandbox){.uid = 5, .gid = 6, .capabilities = 1ULL << 40, .nofile = 7,
		.group_count = 2, .groups = {8, 9}, .flags = HPL_SANDBOX_NETWORK};
	s->name = strdup("svc");
	s->program = strdup("/usr/bin/svc");
	s->root = strdup("/run/root");
	s->bus = strdup("/run/bus");
	cr_assert_eq(hpl_sandbox_add_path(s, HPL_PATH_WRITE, "/run/x", NULL), 0);
	s->filter = calloc(1, 16);
	s->filter_size = 16;
}

Test(sandbox, what_is_packed_is_unpacked)
{
	struct hpl_sandbox a, b;
	_cleanup_buf_ struct hpl_buf packed = HPL_BUF_NULL;

	make(&a);
	cr_assert_eq(hpl_sandbox_pack(&packed, &a, NULL), 0);
	cr_assert_eq(hpl_sandbox_unpack(&b, packed.data, packed.len, NULL), 0);
	cr_assert_str_eq(b.program, a.program);
	cr_assert_eq(b.capabilities, a.capabilities);
	cr_assert_eq(b.groups[1], 9);
	cr_assert_str_eq(b.paths[0].path, "/run/x");
	cr_assert_eq(b.filter_size, 16);
	hpl_sandbox_done(&a);
	hpl_sandbox_done(&b);
}

Test(sandbox, damaged_bytes_are_refused_or_harmless)
{
	struct hpl_sandbox a, b;
	_cleanup_buf_ struct hpl_buf packed = HPL_BUF_NULL;

	make(&a);
	cr_assert_eq(hpl_sandbox_pack(&packed, &a, NULL), 0);
	for (size_t n = 0; n < packed.len; n++)
		cr_assert_eq(hpl_sandbox_unpack(&b, packed.data, n, NULL), -1, "%zu bytes", n);
	for (size_t i = 0; i < packed.len; i++) {
		packed.data[i] ^= 0xff;
		if (hpl_sandbox_unpack(&b, packed.data, packed.len, NULL) == 0)
			hpl_sandbox_done(&b);
		packed.data[i] ^= 0xff;
	}
	hpl_sandbox_done(&a);
}

Test(sandbox, a_program_is_made_for_every_group)
{
	static const char *const names[] = {"base", "file", "process", "mount", "net", "keyring", "time",
		"container"};
	hpl_filter_groups all = 0;

	for (size_t i = 0; i < 8; i++) {
		_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
		hpl_filter_groups g = hpl_filter_group_find(names[i]);

		cr_assert(g);
		cr_assert_eq(hpl_filter_compile(&b, g, NULL), 0, "%s", names[i]);
		cr_assert_eq(b.len % 8, 0);
		cr_assert_gt(b.len, 80);
		cr_assert_lt(b.len / 8, 4096, "the kernel takes no more instructions");
		if (i < 7)
			all |= g;
	}
	cr_assert_eq(hpl_filter_group_find("all"), 0);
	{
		_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;

		cr_assert_eq(hpl_filter_compile(&b, all, NULL), 0);
	}
}

/* ---- from inside */

static struct rig rig;

static void init(void)
{
	rig_new(&rig);
}

static void fini(void)
{
	rig_free(&rig);
}

TestSuite(inside, .init = init, .fini = fini, .timeout = 60);

/* The service's lines come to the console because its manifest says so. */
static void probe(const char *sandbox)
{
	rig_add(&rig, "probe", "probe", "oneshot", "console: true\n", sandbox);
	rig_start(&rig);
	rig_expect(&rig, "console", "probe end", "", NULL);
	rig_end(&rig);
}

static void sees(const char *text)
{
	cr_assert_eq(rig_count(&rig, "console", "tag-probe", text), 1, "no line '%s'", text);
}

Test(inside, nothing_is_given_by_default)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
	probe("");
	sees("uid 60001 gid 60001");
	sees("CapEff: 0000000000000000");
	sees("CapBnd: 0000000000000000");
	sees("CapAmb: 0000000000000000");
	sees("NoNewPrivs: 1");
	sees("Seccomp: 2");
	sees("Groups: 800");
	sees("path / read-only");
	sees("path /usr read-only");
	sees("path /etc/ssl read-only");
	sees("path /etc/shadow absent");
	sees("path /root absent");
	sees("path /var absent");
	sees("path /home absent");
	sees("path /sys absent");
	sees("path /dev/null writable");
	sees("path /dev/vda absent");
	sees("path /dev/kmsg absent");
	sees("path /tmp read-only"); /* the way to the directories of this test */
	sees("path /proc/1 absent");
	sees("path /proc/sys/net/ipv6/conf/lo/accept_ra absent");
	sees("dumpable 0");
	sees("probe inet 38");     /* ENOSYS: no socket of this kind */
	sees("probe bind 1");
	sees("probe mount 1");
	sees("probe unknown 38");  /* ENOSYS */
}

Test(inside, what_the_manifest_names_is_there_and_no_more)
{
	char sandbox[512];

	if (geteuid() != 0)
		cr_skip_test("needs root");
	snprintf(sandbox, sizeof(sandbox),
		"  capabilities: [net_bind_service]\n  groups: [777]\n  read: [/var/lib]\n"
		"  write: [%s/own, /tmp, /etc/hostname]\n  nofile: 33\n  network: true\n  syscalls: [base, file, net]\n", rig.dir);
	probe(sandbox);
	sees("CapEff: 0000000000000400");
	sees("CapAmb: 0000000000000400");
	sees("CapBnd: 0000000000000400");
	sees("Groups: 777 800");
	sees("path /tmp writable");
	sees("path /root absent");
	sees("path /etc/shadow read-only");
	sees("probe inet 0");
}

Test(inside, of_the_kernels_settings_only_those_that_are_listed_can_be_written)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
	probe("  capabilities: [net_admin]\n  network: true\n  syscalls: [base, file, net]\n"
	      "  write: [/proc/sys/net/ipv6/conf, /proc/sys/net/no-such-setting]\n");
	sees("path /proc/sys/net/ipv6/conf/lo/accept_ra writable");
	sees("path /proc/sys/net/ipv4/ip_forward read-only");
	sees("path /proc/1 absent");
}

Test(inside, user_0_has_only_the_named_capabilities)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
	rig.uid = 0;
	probe("  mounts: shared\n  syscalls: [base, file]\n");
	sees("uid 0 gid 0");
	sees("CapEff: 0000000000000000");
	sees("CapPrm: 0000000000000000");
}

Test(inside, a_forbidden_call_ends_the_process)
{
	rig_add(&rig, "bad", "ptrace", "oneshot", "", "");
	rig_start(&rig);
	rig_expect(&rig, "journal", "service.failed", "\"signal\":31", NULL); /* SIGSYS */
	rig_end(&rig);
}
