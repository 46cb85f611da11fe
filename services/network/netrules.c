/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of network-config that a schema cannot say: what excludes each other, what must lie in a
 * network, what must be there. They also resolve the names that VLANs and bonds use.
 *
 * A value of a wrong form is not in the reading (no family, no index), and no rule speaks of it: it
 * has its fault already.
 */
#include <errno.h>
#include <stdio.h>

#include "services/network/reading.h"

#define INVALID HPL_MSG_NETWORK_CONFIG_INVALID

static const struct hpl_node *map_of(const struct hpl_net_reading *r, size_t index)
{
	return r->entries[index]->value;
}

static struct hpl_pos name_pos(const struct hpl_net_reading *r, size_t index)
{
	return r->entries[index]->pos;
}

static const struct hpl_entry *key_of(const struct hpl_net_reading *r, size_t index, const char *key)
{
	return hpl_net_member(map_of(r, index), key);
}

/* The place of an item of a list. */
static struct hpl_pos item_pos(const struct hpl_net_reading *r, size_t index, const char *key, size_t item)
{
	const struct hpl_entry *e = key_of(r, index, key);

	return e->value->list.items[item]->pos;
}

/* ---- names ---- */

static const char *nearest(const struct hpl_net_config *c, const char *name, unsigned kinds)
{
	const char *best = NULL;
	size_t least = 1 + strlen(name) / 3;

	for (size_t i = 0; i < c->count; i++) {
		size_t d = hpl_edit_distance(name, strlen(name), c->ifs[i].id, strlen(c->ifs[i].id));

		if ((kinds & 1u << c->ifs[i].kind) && d <= least) {
			best = c->ifs[i].id;
			least = d;
		}
	}
	return best;
}

static void bad_name(struct hpl_net_reading *r, size_t index, const char *key, struct hpl_pos pos,
	const char *name)
{
	const char *what = strlen(name) >= IFNAMSIZ ? "has more than 15 characters" : hpl_streq(name, "lo")
		? "is the loopback interface" : "holds characters that the name of an interface cannot have";
	struct hpl_fault *f = hpl_net_fault(r, INVALID, index, key, pos, "\"%.64s\" %s", name, what);

	hpl_net_cure(f, "use a name that Linux takes, as enc8 or eth0: 1 to 15 letters, digits, '.', '_', '-'");
}

static void names(struct hpl_net_reading *r, size_t index)
{
	const struct hpl_net_if *i = &r->config->ifs[index];
	const struct hpl_entry *set = key_of(r, index, "set-name");
	const char *text = set ? hpl_node_str(set->value) : NULL;
	struct hpl_fault *f;

	if (text && !hpl_net_name_valid(text))
		bad_name(r, index, "set-name", set->value->pos, text);
	else if (!i->match && !hpl_net_name_valid(r->entries[index]->key))
		bad_name(r, index, "", name_pos(r, index), r->entries[index]->key);
	if (set && !i->match && i->kind == HPL_NET_ETHERNET) {
		f = hpl_net_fault(r, INVALID, index, "set-name", set->pos, "needs match");
		hpl_net_cure(f, "add match: {macaddress: ...}, or take set-name out");
		hpl_net_fix(f, HPL_FIX_REMOVE, "set-name");
	}
	for (size_t k = 0; k < index; k++) {
		const struct hpl_net_if *o = &r->config->ifs[k];

		if (hpl_streq(i->id, o->id) || (*i->name && hpl_streq(i->name, o->name))) {
			f = hpl_net_fault(r, INVALID, index, text ? "set-name" : "", text ? set->value->pos :
				name_pos(r, index), "\"%s\" is the name of %s.%s too", *i->name ? i->name : i->id,
				hpl_net_sections[o->kind], o->id);
			hpl_net_cure(f, "give each interface a name of its own");
			return;
		}
		if (i->match && o->match && !memcmp(i->mac, o->mac, sizeof(i->mac))) {
			f = hpl_net_fault(r, INVALID, index, "match", key_of(r, index, "match")->pos,
				"matches the same MAC address as %s", o->id);
			hpl_net_cure(f, "describe each interface once");
		}
	}
}

/* ---- addresses ---- */

static bool has_family(const struct hpl_net_if *i, int family)
{
	for (size_t k = 0; k < i->address_count; k++)
		if (i->addresses[k].ip.family == family)
			return true;
	return false;
}

/* What DHCP brings must not be there beside it; IPv6 addresses and routes may. */
static void dhcp_excludes(struct hpl_net_reading *r, size_t index)
{
	static const char *const keys[] = {"addresses", "gateway4", "routes", "nameservers"};
	const struct hpl_net_if *i = &r->config->ifs[index];

	for (size_t k = 0; k < HPL_ARRAY_SIZE(keys); k++) {
		const struct hpl_entry *e = key_of(r, index, keys[k]);
		bool other = false; /* only of the other family */
		struct hpl_fault *f;

		if (!e)
			continue;
		if (hpl_streq(keys[k], "addresses"))
			other = i->address_count && !has_family(i, AF_INET);
		if (hpl_streq(keys[k], "routes")) {
			other = i->route_count;
			for (size_t n = 0; n < i->route_count; n++)
				other &= i->routes[n].via.family == AF_INET6;
		}
		if (other)
			continue;
		f = hpl_net_fault(r, INVALID, index, keys[k], e->pos, "is not allowed together with dhcp4: true");
		hpl_net_cure(f, "take it out, or write dhcp4: false");
		hpl_net_fix(f, HPL_FIX_REMOVE, "%s", keys[k]);
	}
}

/* A VLAN or a bond stands on it: then it needs no address of its own. */
static bool carries(const struct hpl_net_reading *r, size_t index)
{
	for (size_t k = 0; k < r->config->count; k++) {
		const struct hpl_net_if *o = &r->config->ifs[k];

		if (o->kind == HPL_NET_VLAN && o->parent == (int)index)
			return true;
	}
	return r->config->ifs[index].kind == HPL_NET_ETHERNET && r->config->ifs[index].parent >= 0;
}

static void needs_address(struct hpl_net_reading *r, size_t index)
{
	const struct hpl_net_if *i = &r->config->ifs[index];
	const struct hpl_entry *addresses = key_of(r, index, "addresses"), *dhcp = key_of(r, index, "dhcp4");
	bool empty = addresses && addresses->value->kind == HPL_LIST && !addresses->value->list.count;
	struct hpl_fault *f;

	if (i->dhcp4 || (dhcp && dhcp->value->kind != HPL_BOOL) || map_of(r, index)->kind != HPL_MAP)
		return;
	if (!addresses && r->dangling && i->kind != HPL_NET_VLAN)
		return;
	if ((addresses && !empty) || i->accept_ra == HPL_NET_YES || carries(r, index))
		return;
	if (empty)
		f = hpl_net_fault(r, INVALID, index, "addresses", addresses->value->pos,
			"is empty, and without dhcp4: true an interface needs an address");
	else
		f = hpl_net_fault(r, INVALID, index, "", name_pos(r, index), dhcp ?
			"lacks \"addresses\", which dhcp4: false needs" :
			"lacks dhcp4: true, or addresses: it would have no address");
	hpl_net_cure(f, dhcp ? "write addresses: [10.0.0.5/24], or dhcp4: true" :
		"write dhcp4: true, or dhcp4: false and addresses: [10.0.0.5/24]");
	if (!empty && !dhcp)
		hpl_net_fix(f, HPL_FIX_ADD, "dhcp4: true");
}

static void no_dhcp6(struct hpl_net_reading *r, size_t index)
{
	const struct hpl_entry *e = key_of(r, index, "dhcp6");
	struct hpl_fault *f;

	if (!e || e->value->kind != HPL_BOOL || !e->value->boolean)
		return;
	f = hpl_net_fault(r, INVALID, index, "dhcp6", e->value->pos, "this runtime has no DHCPv6");
	hpl_net_cure(f, "write dhcp6: false, and accept-ra: true or addresses");
	hpl_net_fix(f, HPL_FIX_REPLACE, "false");
}

static void twice(struct hpl_net_reading *r, size_t index, size_t item)
{
	const struct hpl_net_ip *ip = &r->config->ifs[index].addresses[item].ip;
	char key[32], text[INET6_ADDRSTRLEN];

	for (size_t k = 0; k <= index; k++)
		for (size_t n = 0; n < (k == index ? item : r->config->ifs[k].address_count); n++) {
			struct hpl_fault *f;

			/* a link-local address is one of its link only */
			if (!hpl_net_ip_equal(ip, &r->config->ifs[k].addresses[n].ip) ||
				(k != index && hpl_net_ip_link_local(ip)))
				continue;
			snprintf(key, sizeof(key), "addresses[%zu]", item);
			hpl_net_ip_text(text, ip);
			f = hpl_net_fault(r, INVALID, index, key, item_pos(r, index, "addresses", item),
				"%s is an address of %s already", text, r->config->ifs[k].id);
			hpl_net_cure(f, "take it out at one of the two places");
			hpl_net_fix(f, HPL_FIX_REMOVE, "%s", key);
			return;
		}
}

static void addresses(struct hpl_net_reading *r, size_t index)
{
	const struct hpl_net_if *i = &r->config->ifs[index];
	char key[32], text[INET6_ADDRSTRLEN];

	for (size_t k = 0; k < i->address_count; k++) {
		const struct hpl_net_prefix *p = &i->addresses[k];
		struct hpl_fault *f = NULL;

		if (!p->ip.family)
			continue;
		snprintf(key, sizeof(key), "addresses[%zu]", k);
		hpl_net_ip_text(text, &p->ip);
		if (!hpl_net_ip_unicast(&p->ip))
			f = hpl_net_fault(r, INVALID, index, key, item_pos(r, index, "addresses", k),
				"%s is no address that an interface can have", text);
		else if (!p->length)
			f = hpl_net_fault(r, INVALID, index, key, item_pos(r, index, "addresses", k),
				"%s/0 would make every address a neighbour", text);
		if (f)
			hpl_net_cure(f, "write the address of this guest with the length of its network's "
				"prefix, as %s", p->ip.family == AF_INET ? "10.0.0.5/24" : "2001:db8::5/64");
		else
			twice(r, index, k);
	}
}

/* ---- gateways and routes ---- */

static bool connected(const struct hpl_net_if *i, const struct hpl_net_ip *via)
{
	for (size_t k = 0; k < i->address_count; k++) /* one of a wrong form may be the one that is meant */
		if (!i->addresses[k].ip.family || hpl_net_prefix_holds(&i->addresses[k], via))
			return true;
	/* every IPv6 interface has fe80::/64; what a router announces cannot be known here */
	return via->family == AF_INET6 && (hpl_net_ip_link_local(via) || i->accept_ra == HPL_NET_YES);
}

static bool own(const struct hpl_net_if *i, const struct hpl_net_ip *ip)
{
	for (size_t k = 0; k < i->address_count; k++)
		if (hpl_net_ip_equal(&i->addresses[k].ip, ip))
			return true;
	return false;
}

static void reachable(struct hpl_net_reading *r, size_t index, const char *key, struct hpl_pos pos,
	const struct hpl_net_ip *via)
{
	const struct hpl_net_if *i = &r->config->ifs[index];
	char text[INET6_ADDRSTRLEN];
	struct hpl_fault *f = NULL;

	hpl_net_ip_text(text, via);
	if (!hpl_net_ip_unicast(via))
		f = hpl_net_fault(r, INVALID, index, key, pos, "%s is no address of a router", text);
	else if (own(i, via))
		f = hpl_net_fault(r, INVALID, index, key, pos, "%s is the interface's own address", text);
	else if (!connected(i, via))
		f = hpl_net_fault(r, INVALID, index, key, pos, "%s is in no network of the interface's "
			"addresses, so it cannot be reached", text);
	if (f)
		hpl_net_cure(f, "write the router's address in the network of one of the addresses, or "
			"correct the prefix length of the address");
}

/* Is there not a fault already that makes routers of this family pointless to judge? An IPv4 router
 * beside DHCP, any router of an interface without address or of a bond's member, is one. */
static bool judged(const struct hpl_net_reading *r, size_t index, int family)
{
	const struct hpl_net_if *i = &r->config->ifs[index];

	if ((i->kind == HPL_NET_ETHERNET && i->parent >= 0) || (i->dhcp4 && family == AF_INET))
		return false;
	return i->address_count || i->dhcp4 || i->accept_ra == HPL_NET_YES || carries(r, index);
}

static void gateways(struct hpl_net_reading *r, size_t index)
{
	const struct hpl_net_if *i = &r->config->ifs[index];

	if (i->gateway4.family && judged(r, index, AF_INET))
		reachable(r, index, "gateway4", key_of(r, index, "gateway4")->value->pos, &i->gateway4);
	if (i->gateway6.family && judged(r, index, AF_INET6))
		reachable(r, index, "gateway6", key_of(r, index, "gateway6")->value->pos, &i->gateway6);
}

static void routes(struct hpl_net_reading *r, size_t index)
{
	const struct hpl_net_if *i = &r->config->ifs[index];
	const struct hpl_entry *list = key_of(r, index, "routes");
	char key[48];

	for (size_t k = 0; k < i->route_count; k++) {
		const struct hpl_net_route *route = &i->routes[k];
		const struct hpl_entry *via = hpl_net_member(list->value->list.items[k], "via");
		struct hpl_fault *f;

		if (!route->via.family || !route->to.ip.family)
			continue;
		snprintf(key, sizeof(key), "routes[%zu].via", k);
		if (route->to.ip.family != route->via.family) {
			f = hpl_net_fault(r, INVALID, index, key, via->value->pos,
				"is an %s address, but \"to\" is of %s", route->via.family == AF_INET ? "IPv4" :
				"IPv6", route->to.ip.family == AF_INET ? "IPv4" : "IPv6");
			hpl_net_cure(f, "write both as IPv4 or both as IPv6");
		} else if (!route->on_link && judged(r, index, route->via.family)) {
			reachable(r, index, key, via->value->pos, &route->via);
		}
	}
}

static void mtu(struct hpl_net_reading *r, size_t index)
{
	const struct hpl_net_if *i = &r->config->ifs[index];
	const struct hpl_net_if *link = i->kind == HPL_NET_VLAN && i->parent >= 0 ?
		&r->config->ifs[i->parent] : NULL;
	const struct hpl_entry *e = key_of(r, index, "mtu");
	struct hpl_fault *f;

	if (i->mtu >= 68 && i->mtu < HPL_NET_MIN_MTU6 &&
		(has_family(i, AF_INET6) || i->gateway6.family || i->accept_ra == HPL_NET_YES)) {
		f = hpl_net_fault(r, INVALID, index, "mtu", e->value->pos, "is %u, IPv6 needs at least %d",
			i->mtu, HPL_NET_MIN_MTU6);
		hpl_net_cure(f, "write a number from %d", HPL_NET_MIN_MTU6);
		hpl_net_fix(f, HPL_FIX_REPLACE, "1500");
	}
	if (link && link->mtu >= 68 && i->mtu > link->mtu) {
		f = hpl_net_fault(r, INVALID, index, "mtu", e->value->pos, "is %u, more than the %u of its link %s",
			i->mtu, link->mtu, link->id);
		hpl_net_cure(f, "write at most the mtu of the link");
		hpl_net_fix(f, HPL_FIX_REPLACE, "%u", link->mtu);
	}
}

/* ---- VLANs and bonds ---- */

static void unknown(struct hpl_net_reading *r, size_t index, const char *key, const struct hpl_node *n,
	unsigned kinds)
{
	const char *near = nearest(r->config, n->str.text, kinds);
	bool bonds = kinds & 1u << HPL_NET_BOND;
	struct hpl_fault *f;

	r->dangling = true;
	f = hpl_net_fault(r, INVALID, index, key, n->pos, "there is no \"%.64s\" beneath ethernets%s",
		n->str.text, bonds ? " or bonds" : "");
	if (near) {
		hpl_net_cure(f, "did you mean \"%s\"?", near);
		hpl_net_fix(f, HPL_FIX_REPLACE, "%s", near);
	} else {
		hpl_net_cure(f, "describe it there, or write the name of one that is there");
	}
}

static void vlan(struct hpl_net_reading *r, size_t index)
{
	struct hpl_net_if *i = &r->config->ifs[index];
	const struct hpl_entry *link = key_of(r, index, "link");
	const char *text = link ? hpl_node_str(link->value) : NULL;
	int found = text ? hpl_net_find(r->config, text) : -1;
	struct hpl_fault *f;

	if (!text) {
		r->dangling = true;
		return;
	}
	if (found < 0 || r->config->ifs[found].kind == HPL_NET_VLAN) {
		unknown(r, index, "link", link->value, 1u << HPL_NET_ETHERNET | 1u << HPL_NET_BOND);
		return;
	}
	i->parent = found;
	for (size_t k = 0; k < index; k++) {
		const struct hpl_net_if *o = &r->config->ifs[k];

		if (o->kind != HPL_NET_VLAN || o->parent != found || o->vlan != i->vlan ||
			!key_of(r, index, "id"))
			continue;
		f = hpl_net_fault(r, INVALID, index, "id", key_of(r, index, "id")->value->pos,
			"%s is VLAN %u on %s already", o->id, o->vlan, text);
		hpl_net_cure(f, "give each VLAN of a link its own id");
	}
}

/* What an interface cannot have of its own while it belongs to a bond. */
static void member_alone(struct hpl_net_reading *r, size_t index, const char *bond)
{
	static const char *const keys[] = {"dhcp4", "addresses", "gateway4", "gateway6", "routes",
		"nameservers", "accept-ra"};

	for (size_t k = 0; k < HPL_ARRAY_SIZE(keys); k++) {
		const struct hpl_entry *e = key_of(r, index, keys[k]);
		struct hpl_fault *f;

		if (!e || (e->value->kind == HPL_BOOL && !e->value->boolean))
			continue;
		f = hpl_net_fault(r, INVALID, index, keys[k], e->pos, "is not allowed: the interface belongs to %s",
			bond);
		hpl_net_cure(f, "move it to bonds.%s", bond);
		hpl_net_fix(f, HPL_FIX_REMOVE, "%s", keys[k]);
	}
}

static void members(struct hpl_net_reading *r, size_t index)
{
	const struct hpl_entry *list = key_of(r, index, "interfaces");
	char key[48];

	r->dangling |= !list || list->value->kind != HPL_LIST || !list->value->list.count;
	for (size_t k = 0; list && list->value->kind == HPL_LIST && k < list->value->list.count; k++) {
		const struct hpl_node *n = list->value->list.items[k];
		int found = hpl_node_str(n) ? hpl_net_find(r->config, n->str.text) : -1;
		struct hpl_net_if *m = found < 0 ? NULL : &r->config->ifs[found];

		snprintf(key, sizeof(key), "interfaces[%zu]", k);
		if (!hpl_node_str(n))
			continue;
		if (!m || m->kind != HPL_NET_ETHERNET) {
			unknown(r, index, key, n, 1u << HPL_NET_ETHERNET);
		} else if (m->parent >= 0 && m->parent != (int)index) {
			struct hpl_fault *f = hpl_net_fault(r, INVALID, index, key, n->pos,
				"%s belongs to %s already", m->id, r->config->ifs[m->parent].id);

			hpl_net_cure(f, "an interface can be in one bond only; take it out of one of them");
			hpl_net_fix(f, HPL_FIX_REMOVE, "%s", key);
		} else if (m->parent < 0) {
			m->parent = (int)index;
			member_alone(r, (size_t)found, r->config->ifs[index].id);
		}
	}
}

static void only_with(struct hpl_net_reading *r, size_t index, const char *key, unsigned modes,
	const char *words)
{
	const struct hpl_entry *parameters = key_of(r, index, "parameters");
	const struct hpl_entry *e = parameters ? hpl_net_member(parameters->value, key) : NULL;
	char path[64];
	struct hpl_fault *f;

	if (!e || modes & 1u << r->config->ifs[index].bond.mode)
		return;
	snprintf(path, sizeof(path), "parameters.%s", key);
	f = hpl_net_fault(r, INVALID, index, path, e->pos, "has a meaning with the modes %s only", words);
	hpl_net_cure(f, "take it out, or write mode: %.*s", (int)strcspn(words, ","), words);
	hpl_net_fix(f, HPL_FIX_REMOVE, "%s", key);
}

static void primary(struct hpl_net_reading *r, size_t index)
{
	const struct hpl_entry *parameters = key_of(r, index, "parameters");
	const struct hpl_entry *e = parameters ? hpl_net_member(parameters->value, "primary") : NULL;
	const char *text = e ? hpl_node_str(e->value) : NULL;
	int found = text ? hpl_net_find(r->config, text) : -1;
	struct hpl_fault *f;

	if (!text)
		return;
	if (found >= 0 && r->config->ifs[found].parent == (int)index) {
		r->config->ifs[index].bond.primary = found;
		return;
	}
	f = hpl_net_fault(r, INVALID, index, "parameters.primary", e->value->pos,
		"\"%.64s\" is none of the bond's interfaces", text);
	hpl_net_cure(f, "write the name of one of them");
}

static void bond(struct hpl_net_reading *r, size_t index)
{
	enum { ACTIVE_BACKUP = 1, XOR = 2, LACP = 4, TLB = 5, ALB = 6 }; /* linux/if_bonding.h */

	members(r, index);
	primary(r, index);
	only_with(r, index, "primary", 1u << ACTIVE_BACKUP | 1u << TLB | 1u << ALB,
		"active-backup, balance-tlb, balance-alb");
	only_with(r, index, "lacp-rate", 1u << LACP, "802.3ad");
	only_with(r, index, "transmit-hash-policy", 1u << XOR | 1u << LACP | 1u << TLB,
		"802.3ad, balance-xor, balance-tlb");
}

void hpl_net_rules(struct hpl_net_reading *r)
{
	for (size_t i = 0; i < r->config->count; i++) {
		names(r, i);
		if (r->config->ifs[i].kind == HPL_NET_BOND)
			bond(r, i);
		else if (r->config->ifs[i].kind == HPL_NET_VLAN)
			vlan(r, i);
	}
	for (size_t i = 0; i < r->config->count; i++) {
		if (r->config->ifs[i].dhcp4)
			dhcp_excludes(r, i);
		needs_address(r, i);
		no_dhcp6(r, i);
		addresses(r, i);
		gateways(r, i);
		routes(r, i);
		mtu(r, i);
	}
}
