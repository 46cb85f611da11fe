/* SPDX-License-Identifier: Apache-2.0 */
/* The plan's document as text: lists as tables or blocks, objects as lines. */
#include "services/contract/tool/plan.h"

#include "runtime/base/utf8.h"

enum { COLUMNS = 6 };
struct column {
	const char *key, *title;
};

static void cell(struct hpl_buf *out, const struct hpl_node *n)
{
	if (!n || n->kind == HPL_NULL)
		return;
	if (n->kind == HPL_STRING) {
		hpl_tool_escape(out, n->str.text, n->str.len);
	} else if (n->kind == HPL_BOOL) {
		hpl_buf_str(out, n->boolean ? "yes" : "no");
	} else if (n->kind == HPL_LIST) {
		for (size_t i = 0; i < n->list.count; i++)
			hpl_buf_str(out, i ? ", " : ""), cell(out, n->list.items[i]);
	} else if (n->kind == HPL_MAP) {
		for (size_t i = 0; i < n->map.count; i++) {
			hpl_buf_fmt(out, "%s%s: ", i ? "; " : "", n->map.entries[i].key);
			cell(out, n->map.entries[i].value);
		}
	} else {
		hpl_node_to_json(out, n);
	}
}

static size_t width(const struct hpl_node *n)
{
	_cleanup_buf_ struct hpl_buf b = HPL_BUF_NULL;
	cell(&b, n);
	return b.len ? hpl_utf8_count(b.data, b.len) : 0;
}

static void heading(struct hpl_buf *out, const char *title)
{
	const char *bold = hpl_tool_colour(stdout, HPL_BOLD), *plain = hpl_tool_colour(stdout, HPL_PLAIN);
	hpl_buf_fmt(out, "\n%s%s%s\n", bold, title, plain);
}

static void padded(struct hpl_buf *out, const struct hpl_node *n, size_t to)
{
	size_t w = width(n);
	cell(out, n);
	hpl_buf_fmt(out, "%*s", (int)(to > w ? to - w : 0), "");
}

static void end_line(struct hpl_buf *out)
{
	while (out->len && out->data[out->len - 1] == ' ')
		out->data[--out->len] = 0;
	hpl_buf_str(out, "\n");
}

static void table(struct hpl_buf *out, const char *title, const struct hpl_node *list,
	const struct column *columns)
{
	size_t widths[COLUMNS], n = 0;

	if (!list || list->kind != HPL_LIST || list->list.count == 0)
		return;
	heading(out, title);
	for (; n < COLUMNS && columns[n].key; n++) {
		widths[n] = strlen(columns[n].title);
		for (size_t i = 0; i < list->list.count; i++) {
			size_t w = width(hpl_node_get(list->list.items[i], columns[n].key));
			widths[n] = w > widths[n] ? w : widths[n];
		}
	}
	hpl_buf_str(out, "  ");
	for (size_t k = 0; k < n; k++)
		hpl_buf_fmt(out, "%-*s  ", (int)widths[k], columns[k].title);
	end_line(out);
	for (size_t i = 0; i < list->list.count; i++) {
		hpl_buf_str(out, "  ");
		for (size_t k = 0; k < n; k++) {
			padded(out, hpl_node_get(list->list.items[i], columns[k].key), widths[k]);
			hpl_buf_str(out, "  ");
		}
		end_line(out);
	}
}

/* Members as lines, but the one named skip, empty lists and null. */
static void lines(struct hpl_buf *out, const struct hpl_node *map, const char *skip, int indent)
{
	for (size_t i = 0; map && map->kind == HPL_MAP && i < map->map.count; i++) {
		const struct hpl_entry *e = &map->map.entries[i];
		if (hpl_streq(e->key, skip) || width(e->value) == 0)
			continue;
		hpl_buf_fmt(out, "%*s", indent, "");
		for (const char *c = e->key; *c; c++)
			hpl_buf_add(out, *c == '_' ? " " : c, 1);
		hpl_buf_str(out, ": ");
		cell(out, e->value);
		hpl_buf_str(out, "\n");
	}
}

static void blocks(struct hpl_buf *out, const char *title, const struct hpl_node *list)
{
	if (!list || list->kind != HPL_LIST || list->list.count == 0)
		return;
	heading(out, title);
	for (size_t i = 0; i < list->list.count; i++) {
		const struct hpl_node *n = list->list.items[i];
		hpl_buf_str(out, "  ");
		cell(out, hpl_node_get(n, "name"));
		hpl_buf_str(out, "\n");
		lines(out, n, "name", 4);
	}
}

static void head(struct hpl_buf *out, const struct hpl_node *root)
{
	const struct hpl_node *unopened = hpl_node_get(root, "unopened");
	const struct hpl_node *stops = hpl_node_get(root, "stops_at");

	hpl_buf_str(out, "What a guest for ");
	cell(out, hpl_node_get(root, "product"));
	hpl_buf_str(out, " does with ");
	cell(out, hpl_node_get(root, "file"));
	hpl_buf_str(out, "\n");
	if (width(unopened)) {
		hpl_buf_str(out, "Encrypted, not looked at (give --key): ");
		cell(out, unopened);
		hpl_buf_str(out, "\n");
	}
	if (width(stops)) {
		hpl_buf_fmt(out, "%sThe boot stops:%s ", hpl_tool_colour(stdout, HPL_RED),
			hpl_tool_colour(stdout, HPL_PLAIN));
		cell(out, stops);
		hpl_buf_str(out, "\n");
	}
}

static void render(struct hpl_buf *out, const struct hpl_node *root)
{
	static const struct column order[] = {{"part", "part"}, {"does", "does"}, {0}};
	static const struct column vars[] = {{"name", "name"}, {"from", "value from"},
		{"overrides", "overrides"}, {0}};
	static const struct column regs[] = {{"registry", "registry"}, {"user", "user"},
		{"from", "from"}, {"overrides", "overrides"}, {0}};
	static const struct column secrets[] = {{"secret", "secret"},
		{"workload_provider", "workload provider"}, {"deployer", "deployer"}, {"host", "host"},
		{"guest_services", "guest services"}, {"containers", "containers"}};

	head(out, root);
	table(out, "Order of the boot", hpl_node_get(root, "order"), order);
	blocks(out, "Volumes", hpl_node_get(root, "volumes"));
	heading(out, "Workload");
	hpl_buf_str(out, "  kind: ");
	cell(out, hpl_node_get(root, "workload"));
	hpl_buf_str(out, "\n");
	blocks(out, "Containers", hpl_node_get(root, "containers"));
	table(out, "Environment", hpl_node_get(root, "environment"), vars);
	table(out, "Registries", hpl_node_get(root, "registries"), regs);
	heading(out, "Logging");
	lines(out, hpl_node_get(root, "logging"), NULL, 2);
	heading(out, "Signature");
	lines(out, hpl_node_get(root, "signature"), NULL, 2);
	heading(out, "Attestation");
	lines(out, hpl_node_get(root, "attestation"), NULL, 2);
	table(out, "Who can read which secret", hpl_node_get(root, "secrets"), secrets);
}

int hpl_plan_text(struct hpl_buf *out, const struct hpl_buf *json, struct hpl_err *err)
{
	const struct hpl_reader_limits limits = {.bytes = HPL_BUF_LIMIT, .nul = true};
	_cleanup_doc_ struct hpl_doc *doc = NULL;

	if (hpl_yaml_read(&doc, json->data, json->len, &limits, (struct hpl_pos){1, 1}, 0, err) < 0)
		return -1;
	render(out, hpl_doc_root(doc));
	return out->failed ? HPL_OOM(err) : 0;
}
