/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading network-config: its form by the schema part "network", then the tree as a value. What is of
 * a wrong form is left out of the value, so that the rules (netrules.c) can still judge the rest and
 * all faults are said at once.
 */
#include "services/network/netconfig.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "runtime/base/log.h"
#include "services/network/reading.h"

const char *const hpl_net_sections[3] = {"ethernets", "bonds", "vlans"};

/* ---- faults ---- */

static void add_key(char *out, size_t size, const char *key)
{
	size_t at = strlen(out), plain = strspn(key, "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
	char escaped[160];

	if (*key && !key[plain]) {
		snprintf(out + at, size - at, ".%s", key);
		return;
	}
	hpl_escape_line(escaped, sizeof(escaped), key, strlen(key));
	snprintf(out + at, size - at, "[\"%s\"]", escaped);
}

struct hpl_fault *hpl_net_fault(struct hpl_net_reading *r, enum hpl_msg msg, size_t index,
	const char *key, struct hpl_pos pos, const char *fmt, ...)
{
	const struct hpl_net_if *i = &r->config->ifs[index];
	struct hpl_fault *f = &r->dropped;
	char raw[sizeof(f->text)];
	va_list ap;

	if (r->broken || hpl_faults_add(&f, r->faults, r->err) < 0)
		r->broken = true;
	f->msg = msg;
	f->pos = pos;
	f->keyword = "rule";
	snprintf(f->path, sizeof(f->path), "network.%s", hpl_net_sections[i->kind]);
	add_key(f->path, sizeof(f->path), i->id);
	if (*key) {
		size_t at = strlen(f->path);

		snprintf(f->path + at, sizeof(f->path) - at, ".%s", key);
	}
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	hpl_escape_line(f->text, sizeof(f->text), raw, strlen(raw));
	return f;
}

void hpl_net_cure(struct hpl_fault *f, const char *fmt, ...)
{
	char raw[sizeof(f->cure)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	hpl_escape_line(f->cure, sizeof(f->cure), raw, strlen(raw));
}

void hpl_net_fix(struct hpl_fault *f, enum hpl_fix fix, const char *fmt, ...)
{
	va_list ap;

	f->fix = fix;
	va_start(ap, fmt);
	vsnprintf(f->fix_text, sizeof(f->fix_text), fmt, ap);
	va_end(ap);
}

/* ---- small questions ---- */

bool hpl_net_domain_valid(const char *text)
{
	size_t len = strlen(text);

	return len && len < HPL_NET_NAME && strspn(text, "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == len;
}

bool hpl_net_name_valid(const char *name)
{
	size_t len = strlen(name);

	if (!len || len >= IFNAMSIZ || hpl_streq(name, ".") || hpl_streq(name, "..") || hpl_streq(name, "lo"))
		return false;
	for (const char *p = name; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("/:*%\"'\\", *p))
			return false;
	return true;
}

const struct hpl_entry *hpl_net_member(const struct hpl_node *map, const char *key)
{
	for (size_t i = 0; map && map->kind == HPL_MAP && i < map->map.count; i++)
		if (hpl_streq(map->map.entries[i].key, key))
			return &map->map.entries[i];
	return NULL;
}

int hpl_net_find(const struct hpl_net_config *c, const char *id)
{
	for (size_t i = 0; i < c->count; i++)
		if (hpl_streq(c->ifs[i].id, id))
			return (int)i;
	return -1;
}

static size_t list_count(const struct hpl_node *n, size_t max)
{
	return !n || n->kind != HPL_LIST ? 0 : n->list.count < max ? n->list.count : max;
}

static unsigned number(const struct hpl_node *map, const char *key, int64_t max)
{
	int64_t v;

	return hpl_node_get_int(map, key, &v) && v >= 0 && v <= max ? (unsigned)v : 0;
}

/* The kernel's number of a word: its place in the list; -1: absent or none of them. */
static int word(const struct hpl_node *map, const char *key, const char *const *words)
{
	const char *text = hpl_node_get_str(map, key);

	for (int i = 0; text && words[i]; i++)
		if (hpl_streq(text, words[i]))
			return i;
	return -1;
}

/* ---- the tree as a value ---- */

static void take_ip(struct hpl_net_ip *ret, const struct hpl_node *n, int family)
{
	const char *text = n ? hpl_node_str(n) : NULL;
	struct hpl_net_ip ip;

	if (text && hpl_net_ip_parse(&ip, text) && (!family || ip.family == family))
		*ret = ip;
}

static void take_route(struct hpl_net_route *ret, const struct hpl_node *n)
{
	const char *to = hpl_node_get_str(n, "to");
	struct hpl_net_ip ip;

	take_ip(&ret->via, hpl_node_get(n, "via"), 0);
	ret->metric = number(n, "metric", UINT32_MAX);
	hpl_node_get_bool(n, "on-link", &ret->on_link);
	if (!to)
		return;
	if (hpl_streq(to, "default"))
		ret->to.ip.family = ret->via.family;
	else if (!hpl_net_prefix_parse(&ret->to, to) && hpl_net_ip_parse(&ip, to))
		ret->to = (struct hpl_net_prefix){ip, (unsigned)hpl_net_ip_size(&ip) * 8};
}

static void take_nameservers(struct hpl_net_if *i, const struct hpl_node *n)
{
	const struct hpl_node *servers = hpl_node_get(n, "addresses"), *search = hpl_node_get(n, "search");

	i->server_count = list_count(servers, HPL_NET_SERVERS);
	for (size_t k = 0; k < i->server_count; k++)
		take_ip(&i->servers[k], servers->list.items[k], 0);
	i->search_count = list_count(search, HPL_NET_SEARCH);
	for (size_t k = 0; k < i->search_count; k++) {
		const char *text = hpl_node_str(search->list.items[k]);

		snprintf(i->search[k], sizeof(i->search[k]), "%s", text ? text : "");
	}
}

static void take_match(struct hpl_net_if *i, const struct hpl_node *map)
{
	const char *mac = hpl_node_get_str(hpl_node_get(map, "match"), "macaddress");
	const char *name = hpl_node_get_str(map, "set-name");

	i->match = hpl_node_get(map, "match") != NULL;
	if (mac)
		sscanf(mac, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &i->mac[0], &i->mac[1], &i->mac[2],
			&i->mac[3], &i->mac[4], &i->mac[5]);
	snprintf(i->name, sizeof(i->name), "%s", name ? name : i->match ? "" : i->id);
}

/* "100", 100, "100ms", "1s"; 100 ms when it says nothing: without it a bond sees no broken link. */
static unsigned milliseconds(const struct hpl_node *map)
{
	const struct hpl_node *n = hpl_node_get(map, "mii-monitor-interval");
	const char *text = n ? hpl_node_str(n) : NULL;
	char *unit;
	unsigned long v;

	if (!text)
		return n ? number(map, "mii-monitor-interval", 60000) : 100;
	v = strtoul(text, &unit, 10) * (hpl_streq(unit, "s") ? 1000 : 1);
	return v <= 60000 ? (unsigned)v : 60000;
}

static void take_bond(struct hpl_net_bond *b, const struct hpl_node *parameters)
{
	static const char *const modes[] = {"balance-rr", "active-backup", "balance-xor", "broadcast",
		"802.3ad", "balance-tlb", "balance-alb", NULL};
	static const char *const rates[] = {"slow", "fast", NULL};
	static const char *const policies[] = {"layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4",
		"vlan+srcmac", NULL};
	int mode = word(parameters, "mode", modes);

	b->mode = mode < 0 ? 0 : (unsigned char)mode; /* balance-rr: the default of netplan and kernel */
	b->miimon_ms = milliseconds(parameters);
	b->lacp_rate = word(parameters, "lacp-rate", rates);
	b->hash_policy = word(parameters, "transmit-hash-policy", policies);
	b->primary = -1;
}

static void take_interface(struct hpl_net_if *i, const struct hpl_node *map)
{
	const struct hpl_node *addresses = hpl_node_get(map, "addresses"), *routes = hpl_node_get(map, "routes");
	bool ra;

	hpl_node_get_bool(map, "dhcp4", &i->dhcp4);
	i->accept_ra = hpl_node_get_bool(map, "accept-ra", &ra) ? (enum hpl_net_choice)ra : HPL_NET_UNSET;
	i->mtu = number(map, "mtu", 65535);
	i->address_count = list_count(addresses, HPL_NET_ADDRESSES);
	for (size_t k = 0; k < i->address_count; k++) {
		const char *text = hpl_node_str(addresses->list.items[k]);

		if (text)
			hpl_net_prefix_parse(&i->addresses[k], text);
	}
	take_ip(&i->gateway4, hpl_node_get(map, "gateway4"), AF_INET);
	take_ip(&i->gateway6, hpl_node_get(map, "gateway6"), AF_INET6);
	i->route_count = list_count(routes, HPL_NET_ROUTES);
	for (size_t k = 0; k < i->route_count; k++)
		take_route(&i->routes[k], routes->list.items[k]);
	take_nameservers(i, hpl_node_get(map, "nameservers"));
	take_match(i, i->kind == HPL_NET_ETHERNET ? map : NULL);
	i->vlan = i->kind == HPL_NET_VLAN ? number(map, "id", 4094) : 0;
	take_bond(&i->bond, hpl_node_get(map, "parameters"));
}

static void take_section(struct hpl_net_reading *r, const struct hpl_node *network,
	enum hpl_net_kind kind)
{
	const struct hpl_node *map = hpl_node_get(network, hpl_net_sections[kind]);

	for (size_t k = 0; map && map->kind == HPL_MAP && k < map->map.count; k++) {
		const struct hpl_entry *e = &map->map.entries[k];
		struct hpl_net_if *i = &r->config->ifs[r->config->count];

		if (r->config->count == HPL_NET_IFS) {
			struct hpl_fault *f = hpl_net_fault(r, HPL_MSG_NETWORK_CONFIG_INVALID,
				HPL_NET_IFS - 1, "", e->pos, "more than %d interfaces follow", HPL_NET_IFS);

			hpl_net_cure(f, "configure at most %d interfaces", HPL_NET_IFS);
			return;
		}
		i->kind = kind;
		i->parent = -1;
		snprintf(i->id, sizeof(i->id), "%s", e->key);
		r->entries[r->config->count++] = e;
		take_interface(i, e->value);
	}
}

/* ---- all together ---- */

static int unreadable(struct hpl_net_reading *r, const struct hpl_err *why)
{
	struct hpl_fault *f;
	int rc = why->sys == ENOMEM ? -1 : hpl_faults_add(&f, r->faults, r->err);

	if (rc < 0 && r->err)
		*r->err = *why;
	if (rc)
		return rc;
	f->msg = HPL_MSG_NETWORK_CONFIG_INVALID;
	f->pos = (struct hpl_pos){1, 1};
	sscanf(why->place, "%u:%u", &f->pos.line, &f->pos.col);
	f->keyword = "yaml";
	snprintf(f->text, sizeof(f->text), "%.380s", why->text);
	snprintf(f->cure, sizeof(f->cure), "%.250s", why->cure);
	return 1;
}

/* Errors before warnings, each in the order of the file. */
static int by_place(const void *a, const void *b)
{
	const struct hpl_fault *x = a, *y = b;
	bool ex = hpl_fault_is_error(x), ey = hpl_fault_is_error(y);

	if (ex != ey)
		return ex ? -1 : 1;
	if (x->pos.line != y->pos.line)
		return x->pos.line < y->pos.line ? -1 : 1;
	return x->pos.col != y->pos.col ? (x->pos.col < y->pos.col ? -1 : 1) : strcmp(x->path, y->path);
}

static int judge(struct hpl_net_reading *r, const struct hpl_node *root)
{
	const struct hpl_node *network = hpl_node_get(root, "network");
	size_t before = r->faults->count;
	int errors = 0;

	if (hpl_part_validate("network", root, "", 0, r->faults, r->err) < 0)
		return -1;
	for (size_t i = before; i < r->faults->count; i++)
		hpl_net_words(&r->faults->items[i], root);
	take_section(r, network, HPL_NET_ETHERNET);
	take_section(r, network, HPL_NET_BOND);
	take_section(r, network, HPL_NET_VLAN);
	hpl_net_rules(r);
	hpl_net_notes(r, network);
	if (r->broken)
		return -1;
	if (r->faults->count > before)
		qsort(r->faults->items + before, r->faults->count - before, sizeof(*r->faults->items), by_place);
	for (size_t i = before; i < r->faults->count; i++)
		errors |= hpl_fault_is_error(&r->faults->items[i]);
	return errors;
}

int hpl_net_config_read(struct hpl_net_config *ret, const char *text, size_t len,
	struct hpl_faults *faults, struct hpl_err *err)
{
	const struct hpl_reader_limits limits = {.bytes = HPL_NET_CONFIG_BYTES, .depth = 16, .nodes = 4096};
	_cleanup_doc_ struct hpl_doc *doc = NULL;
	_cleanup_free_ struct hpl_net_config *config = calloc(1, sizeof(*config));
	struct hpl_net_reading r = {.config = config, .faults = faults, .err = err};
	struct hpl_err why = HPL_ERR_NULL;
	int rc;

	if (!config)
		return HPL_OOM(err);
	if (hpl_yaml_read(&doc, text, len, &limits, (struct hpl_pos){1, 1}, 0, &why) < 0)
		return unreadable(&r, &why);
	rc = judge(&r, hpl_doc_root(doc));
	if (rc == 0)
		*ret = *config;
	return rc;
}
