/* SPDX-License-Identifier: Apache-2.0 */
/* hpl-network as a program: what it prints and how it ends. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#include "runtime/base/file.h"
#include "runtime/base/proc.h"
#include "schema/node.h"

static char path[64];
static struct hpl_buf out;

static void begin(void)
{
	strcpy(path, "/tmp/hpl-network-tool-XXXXXX");
	close(mkstemp(path));
}

static void finish(void)
{
	unlink(path);
	hpl_buf_done(&out);
}

TestSuite(network_tool, .init = begin, .fini = finish);

static int run(const char *text, const char *const *args, const char *input)
{
	const char *argv[8] = {HPL_TEST_TOOL};
	struct hpl_err err = HPL_ERR_NULL;
	int status = -1;
	struct hpl_proc p = {.argv = argv, .timeout_ms = 20000, .out = &out, .input = input,
		.input_len = input ? strlen(input) : 0};

	for (size_t i = 0; args[i]; i++)
		argv[i + 1] = args[i];
	if (text)
		cr_assert_eq(hpl_file_write(path, text, strlen(text), 0600, &err), 0, "%s", err.text);
	hpl_buf_clear(&out);
	cr_assert_eq(hpl_proc_run(&p, &status, &err), 0, "%s", err.text);
	return status;
}

#define RUN(text, input, ...) run(text, (const char *const[]){__VA_ARGS__, NULL}, input)
#define GOOD "network: {ethernets: {enc8: {dhcp4: true}}}\n"
#define BAD "network:\n  ethernets:\n    enc8:\n      dhcp4: false\n      addresses: [10.0.0.5]\n      mtu: 9\n"

Test(network_tool, a_good_file_ends_with_0)
{
	cr_expect_eq(RUN(GOOD, NULL, "validate", path), 0);
	cr_expect(strstr(out.data, ": valid\n"), "%s", out.data);
}

Test(network_tool, a_bad_file_ends_with_1_and_shows_lines_and_cures)
{
	cr_expect_eq(RUN(BAD, NULL, "validate", path), 1);
	cr_expect(strstr(out.data, ":5:19: error HPL13007E network.ethernets.enc8.addresses[0]: \"10.0.0.5\" has "
				   "no prefix length\n"), "%s", out.data);
	cr_expect(strstr(out.data, "      5 |       addresses: [10.0.0.5]\n        |                   ^\n"), "%s",
		out.data);
	cr_expect(strstr(out.data, "as 10.0.0.5/24\n"), "%s", out.data);
	cr_expect(strstr(out.data, ": 2 errors\n"), "%s", out.data);
}

Test(network_tool, an_extension_is_a_warning_and_ends_with_0)
{
	cr_expect_eq(RUN("network: {ethernets: {eth0: {dhcp4: true}}}\n", NULL, "validate", path), 0);
	cr_expect(strstr(out.data, "warning HPL13009W network.ethernets.eth0"), "%s", out.data);
	cr_expect(strstr(out.data, ": valid, 1 warning\n"), "%s", out.data);
}

Test(network_tool, json_is_one_object_with_all_faults)
{
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	struct hpl_err err = HPL_ERR_NULL;
	const struct hpl_node *faults;
	bool valid = true;
	int64_t line;

	cr_expect_eq(RUN(BAD, NULL, "validate", "--format", "json", path), 1);
	cr_assert_eq(hpl_yaml_read(&doc, out.data, out.len, NULL, (struct hpl_pos){1, 1}, 0, &err), 0, "%s %s",
		err.text, out.data);
	cr_assert(hpl_node_get_bool(hpl_doc_root(doc), "valid", &valid) && !valid);
	cr_expect_str_eq(hpl_node_get_str(hpl_doc_root(doc), "file"), path);
	faults = hpl_node_get(hpl_doc_root(doc), "faults");
	cr_assert(faults && faults->list.count == 2, "%s", out.data);
	cr_expect_str_eq(hpl_node_get_str(faults->list.items[1], "path"), "network.ethernets.enc8.mtu");
	cr_expect(hpl_node_get_int(faults->list.items[1], "line", &line) && line == 6);
	cr_expect_str_eq(hpl_node_get_str(hpl_node_get(faults->list.items[0], "fix"), "action"), "replace");
}

Test(network_tool, several_files_are_one_list)
{
	cr_expect_eq(RUN(GOOD, NULL, "validate", "--format", "json", path, path), 0);
	cr_expect_eq(out.data[0], '[');
}

Test(network_tool, a_wrong_call_ends_with_2)
{
	cr_expect_eq(RUN(NULL, NULL, "validate"), 2);
	cr_expect_eq(RUN(NULL, NULL, "validate", "/nonexistent/file"), 2);
	cr_expect_eq(RUN(NULL, NULL, "validate", "--format", "xml", path), 2);
	cr_expect_eq(RUN(NULL, NULL, "unknown"), 2);
}

Test(network_tool, show_says_what_would_be_set)
{
	cr_expect_eq(RUN("network:\n  ethernets:\n    enc8: {}\n    enc9: {dhcp4: false}\n  bonds:\n"
			 "    bond0: {interfaces: [enc8, enc9], addresses: [10.0.0.5/24], gateway4: 10.0.0.1}\n"
			 "  vlans:\n    vlan5: {id: 5, link: bond0, dhcp4: true}\n", NULL, "show", path), 0);
	cr_expect_str_eq(out.data, "enc8: Ethernet\n  belongs to bond0\nenc9: Ethernet\n  belongs to bond0\n"
				   "bond0: bond, mode balance-rr, of enc8 enc9; links looked at each 100 ms\n"
				   "  address 10.0.0.5/24\n  default route by 10.0.0.1\n"
				   "vlan5: VLAN 5 on bond0\n  IPv4 address, router and name servers by DHCP\n");
	cr_expect_eq(RUN(BAD, NULL, "show", path), 1);
	cr_expect(strstr(out.data, "2 errors"), "%s", out.data);
}

Test(network_tool, standard_input_is_read)
{
	cr_expect_eq(RUN(NULL, GOOD, "validate", "-"), 0);
	cr_expect_eq(RUN(NULL, BAD, "validate", "-"), 1);
}
