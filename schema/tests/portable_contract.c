/* SPDX-License-Identifier: Apache-2.0 */
/* Reader, validator and contract without a test framework: also for machines of the other byte
 * order. Prints TAP. */
#include <stdio.h>

#include "runtime/base/buf.h"
#include "schema/contract.h"

static unsigned points, bad;

static void point(bool ok, const char *name)
{
	bad += !ok;
	printf("%sok %u - %s\n", ok ? "" : "not ", ++points, name);
}

static void test_reader(void)
{
	static const char text[] = "i: 258\nr: 1.5\ns: \xc3\xa9t\xc3\xa9\nl: [true, null, 0x102]\n";
	struct hpl_doc *doc = NULL;
	struct hpl_err err = HPL_ERR_NULL;
	_cleanup_buf_ struct hpl_buf json = HPL_BUF_NULL;
	int64_t i = 0;
	int rc = hpl_yaml_read(&doc, text, sizeof(text) - 1, NULL, (struct hpl_pos){1, 1}, 0, &err);
	point(rc == 0, "a document is read");
	if (rc < 0)
		return;
	point(hpl_node_get_int(hpl_doc_root(doc), "i", &i) && i == 258, "an integer has its value");
	hpl_node_to_json(&json, hpl_doc_root(doc));
	point(hpl_streq(json.data, "{\"i\":258,\"r\":1.5,\"s\":\"\xc3\xa9t\xc3\xa9\","
		"\"l\":[true,null,258]}"), "JSON comes out as it went in");
	hpl_doc_free(doc);
	rc = hpl_yaml_read(&doc, "a: 1\na: 2\n", 10, NULL, (struct hpl_pos){1, 1}, 0, &err);
	point(rc == -1 && hpl_streq(err.place, "2:1"), "a duplicate key is refused at its place");
}

/* place NULL: valid */
static void test_contract(const char *name, const char *text, const char *place)
{
	struct hpl_contract *c = NULL;
	struct hpl_faults faults = {0};
	struct hpl_err err = HPL_ERR_NULL;
	bool ok = false;
	if (hpl_contract_read(&c, "contract", text, strlen(text), false, &err) == 0) {
		int rc = hpl_contract_validate(c, &(struct hpl_validate_options){HPL_PRODUCT_HPVS, false}, &faults, &err);
		if (rc > 0)
			hpl_fault_to_err(&err, "contract", &faults.items[0]);
		ok = place ? rc == 1 && hpl_streq(err.place, place) : rc == 0;
	}
	if (!ok)
		printf("# %s: %s\n", err.place, err.text);
	point(ok, name);
	hpl_faults_done(&faults);
	hpl_contract_free(c);
}

#define ENV "env: |\n  type: env\n  logging:\n    syslog:\n      hostname: log.example\n" \
	"      port: 6514\n      server: TUlJRA==\n"

int main(void)
{
	printf("TAP version 13\n");
	test_reader();
	test_contract("a good contract is valid", "workload: |\n  type: workload\n"
		"  compose: {archive: H4sIAAAA}\n  volumes: {d: {seed: abcdefghijklmno}}\n" ENV
		"  volumes: {d: {seed: ABCDEFGHIJKLMNO}}\n", NULL);
	test_contract("a wrong type is found at its place", "workload: |\n  type: workload\n"
		"  compose: {archive: 5}\n" ENV, "contract:3:22 workload.compose.archive");
	test_contract("a pattern fault is found at its place", "workload: |\n  type: workload\n"
		"  compose: {archive: H4sIAAAA}\n  volumes: {d: {seed: \"abcdef ghijklmno\"}}\n" ENV,
		"contract:4:23 workload.volumes.d.seed");
	test_contract("a number out of range is found", "workload: |\n  type: workload\n"
		"  compose: {archive: H4sIAAAA}\nenv: {type: env, logging: {syslog: {hostname: h, "
		"port: 65536, server: TUlJRA==}}}\n", "contract:4:56 env.logging.syslog.port");
	printf("1..%u\n", points);
	return bad ? 1 : 0;
}
