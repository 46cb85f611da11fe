/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The validator from inside: what a schema is compiled to, what runs over a tree. Inner header.
 *
 * Each schema object becomes a struct sub with one struct check per keyword; the tables of keywords
 * (keywords*.c) hold a compile and a check function each. To add a keyword, start there.
 * Checks allocate nothing on their way to "valid": the path is a chain of struct at on the stack
 * and becomes text only for a fault. With run->faults NULL the first fault ends the run.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "schema/arena.h"
#include "schema/plain.h"
#include "schema/schema.h"

enum {
	HPL_RUN_DEPTH = 512,            /* tree depth (64) times applicators on the way */
	HPL_RUN_STEPS = 20000000,       /* subschemas tried in a run: a second; a contract takes thousands */
	HPL_MATCH_LIMIT = 2000000,      /* steps of one pattern on one string: tens of ms */
};

struct sub;
struct check;
struct compiler;

/* ---- dialects ---- */

enum { DRAFT_2020 = 1, DRAFT_07 = 2, DRAFT_BOTH = 3 };
enum {
	VOC_CORE = 1,
	VOC_APPLICATOR = 2,
	VOC_VALIDATION = 4,
	VOC_UNEVALUATED = 8,
	VOC_FORMAT = 16,
	VOC_FORMAT_ASSERTS = 32,        /* whatever the caller says of formats */
	VOCABULARIES_2020 = VOC_CORE | VOC_APPLICATOR | VOC_VALIDATION | VOC_UNEVALUATED | VOC_FORMAT,
	VOCABULARIES_07 = VOCABULARIES_2020,
};
struct dialect {
	unsigned draft;                 /* one bit */
	unsigned vocabularies;
};

/* A target of $dynamicRef. */
struct dynamic {
	const char *name;
	const struct hpl_node *node;
	struct sub *sub;
	struct dynamic *next;
};
/* A schema with an identifier of its own: what references are relative to. */
struct resource {
	const char *uri;                /* absolute unless the document has no identifier; no fragment */
	const struct hpl_node *node;
	struct dialect dialect;
	struct dynamic *dynamics;
	struct resource *next;
};

/* ---- a run ---- */

/* The resources that the run went through to where it is: what $dynamicRef looks at. */
struct scope {
	const struct scope *up;
	const struct resource *resource;
};

/* Which members or items of a value were looked at by a keyword that succeeded: for unevaluated*. A
 * schema that fails takes its marks back, so they are kept in the order in which they were made. */
struct seen {
	const struct hpl_node *node;
	uint64_t *bits;
	uint32_t *trail;
	size_t len;                     /* of the trail */
};

/* Where the run is in the tree. */
struct at {
	const struct at *up;
	const struct hpl_entry *entry;  /* NULL: item of a list, or the root */
	size_t index;
};

struct run {
	const struct hpl_schema *schema;
	struct hpl_faults *faults;      /* NULL: stop at the first fault */
	struct hpl_err *err;
	const char *prefix;
	unsigned flags, depth;
	uint64_t steps;                 /* subschemas that may still be tried */
	const struct scope *scope;      /* NULL unless the schema has a $dynamicRef */
	struct seen *seen;              /* NULL: nobody asks */
	bool warned;                    /* something is worth a warning: it is said by a second run,
					 * with faults, although all is valid */
	bool templates;                 /* within x-template */
	bool broken;                    /* could not be done; err is set */
};

typedef bool check_fn(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at);

struct keyword {
	const char *name;
	unsigned kinds;                 /* bit (1 << kind) of the instances it speaks of */
	unsigned drafts, vocabulary;
	int (*compile)(struct compiler *k, struct sub *s, const struct hpl_node *arg,
		struct check *c);
	check_fn *check;                /* NULL: another keyword's check does it */
};

struct pattern {
	bool is_plain;                  /* code is not asked */
	struct hpl_plain plain;
	pcre2_code *code;
	struct pattern *next;           /* all of a schema, to free them */
};

struct property {
	const char *name;
	size_t len;
	struct sub *sub;
};

struct pattern_property {
	struct pattern *pattern;
	struct sub *sub;
	bool maps;                      /* its values are mappings with properties of their own */
};

typedef bool format_fn(const char *text, size_t len);

struct check {
	check_fn *fn;
	unsigned kinds;
	const struct keyword *keyword;
	const struct sub *sub;          /* that it belongs to */
	const struct hpl_node *arg;     /* the keyword's value in the schema */
	union {
		unsigned types;         /* bits of kinds; HPL_REAL with HPL_INT unset: any number */
		uint64_t count;
		struct sub *one;
		struct { struct sub **subs; size_t sub_count; };
		struct pattern *pattern;
		format_fn *format;
		struct { struct sub *start; const char *anchor; }; /* $dynamicRef; NULL: a $ref */
	};
};

/* What a key that no property knows is worth. */
enum hpl_unknown {
	HPL_UNKNOWN_ASIS,               /* additionalProperties decides */
	HPL_UNKNOWN_WARN,               /* "warn": a warning instead of additionalProperties: false */
	HPL_UNKNOWN_NEAR,               /* "near": a warning when it is near to a known one */
};

struct sub {
	int fixed;                      /* 1: true, -1: false, 0: see checks */
	unsigned check_count;
	struct check *checks;
	unsigned plain_count;           /* of the checks; unevaluated* come behind */
	unsigned unevaluated;           /* kinds of which unevaluated* speak */
	unsigned accepts;               /* kinds that need no further look; set when all is compiled */
	unsigned type_first;            /* kinds for which the first check is a type that allows them */
	bool special;                   /* has x-legacy, x-extension or x-template */
	bool slow;                      /* false, or has unevaluated* */
	const struct resource *resource;
	const struct hpl_node *node;
	const char *pointer;            /* JSON pointer */
	const char *expect;             /* annotation x-expect: what satisfies this, in words */
	const char *cure;               /* annotation x-cure */
	const char *said;               /* annotation x-text: what a fault says instead */
	const char *charset;            /* annotation x-charset: characters of a class, "a-z0-9_" */
	const char *keys;               /* annotation x-keys: what a key of this mapping is */
	enum hpl_unknown unknown;       /* annotation x-unknown */
	struct sub *legacy;             /* annotation x-legacy: what was right once */
	const char *extension;          /* annotation x-extension: what is said of it, may be "" */
	bool template;                  /* annotation x-template: strings within may hold {{ }} */
	uint32_t msg;                   /* annotation x-msg: id of this schema's faults, 0: the usual */
	/* properties, patternProperties, additionalProperties are walked together */
	struct property *properties;
	size_t property_count;
	uint16_t *property_slots;       /* open addressing by hpl_property_hash(): index + 1, 0: none */
	size_t property_mask;           /* size - 1 */
	struct pattern_property *patterns;
	size_t pattern_count;
	struct sub *additional;
	struct sub *then_sub, *else_sub;
	size_t prefix_count;            /* items begins behind prefixItems */
	uint64_t contains_min, contains_max;
	struct sub *next;
};

struct hpl_schema {
	struct hpl_arena arena;
	struct sub *root;
	struct sub *subs;               /* all, by next */
	struct pattern *patterns;
	pcre2_match_data *match;        /* one validation at a time */
	pcre2_match_context *limits;
	bool dynamic;                   /* has a $dynamicRef */
	bool format_annotates;
};

/* schema.c */
bool hpl_check_more(struct run *r, const struct sub *s, const struct hpl_node *n, const struct at *at);
static inline bool hpl_check_sub(struct run *r, const struct sub *s, const struct hpl_node *n,
	const struct at *at)
{
	/* most values of most documents: a string where any string may stand */
	return (s->accepts >> n->kind & 1) || hpl_check_more(r, s, n, at);
}
/* Without reporting; run->broken may be set. */
bool hpl_check_quiet(struct run *r, const struct sub *s, const struct hpl_node *n,
	const struct at *at);
/* in: the resource of what refers to node; it counts when node begins none itself. */
int hpl_compile_sub(struct compiler *k, const struct hpl_node *node, const char *pointer,
	const struct resource *in, struct sub **ret);
int hpl_compile_child(struct compiler *k, const struct sub *parent, const char *keyword,
	const char *name, const struct hpl_node *node, struct sub **ret);
/* *ret_dynamic: as hpl_refs_find(). */
int hpl_compile_ref(struct compiler *k, const struct sub *s, const char *keyword,
	const struct hpl_node *arg, struct sub **ret, const char **ret_dynamic);
int hpl_compile_pattern(struct compiler *k, const struct sub *s, const char *keyword,
	const struct hpl_node *arg, struct pattern **ret);
void hpl_compile_keep(struct compiler *k, struct pattern *p); /* freed with the schema */
bool hpl_compile_format_asserts(const struct compiler *k, const struct sub *s);
void hpl_compile_dynamic(struct compiler *k); /* the schema has a $dynamicRef */
int hpl_compile_fail(struct compiler *k, const struct sub *s, const char *keyword,
	const struct hpl_node *arg, const char *what);
void *hpl_compile_alloc(struct compiler *k, size_t count, size_t size);

/* pattern.c; where the limits end a match, run->broken is set. */
bool hpl_pattern_matches(struct run *r, const struct pattern *p, const char *text, size_t len);

/* keywords.c: the table; by the kind of what they speak of: keywords_list.c, keywords_map.c,
 * keywords_apply.c (those that apply schemas to the same place). */
extern const struct keyword hpl_keywords[];
extern const struct keyword hpl_keywords_of_lists[];
extern const struct keyword hpl_keywords_of_maps[];
extern const struct keyword hpl_keywords_in_place[];
extern const struct keyword hpl_keywords_unevaluated[];

#define BIT(kind) (1u << (kind))
enum {
	ANY = 0xff,
	NUMBER = BIT(HPL_INT) | BIT(HPL_REAL),
	STRING = BIT(HPL_STRING),
	LIST = BIT(HPL_LIST),
	MAP = BIT(HPL_MAP),
};
typedef int compile_fn(struct compiler *k, struct sub *s, const struct hpl_node *arg,
	struct check *c);
/* Arguments that several keywords share: a count, one schema, a list of them. */
compile_fn hpl_compile_count, hpl_compile_one, hpl_compile_list;
bool hpl_is_string_list(const struct hpl_node *n);
/* The property of that name, NULL: none. */
const struct property *hpl_find_property(const struct sub *s, const char *key, size_t len);
const struct hpl_entry *hpl_find_member(const struct hpl_node *map, const char *key, size_t len);
static inline bool hpl_is_draft_07(const struct sub *s)
{
	return s->resource->dialect.draft == DRAFT_07;
}

/* seen.c: what unevaluatedItems and unevaluatedProperties ask for. */
static inline bool hpl_seen_wanted(const struct run *r, const struct hpl_node *n)
{
	return r->seen && r->seen->node == n;
}
void hpl_seen_add(struct seen *s, size_t i);
bool hpl_seen_has(const struct seen *s, size_t i);
/* Takes back what was marked since the trail had this length. */
void hpl_seen_undo(struct seen *s, size_t len);
/* Runs check with marks of its own, which go to the outer ones when it succeeds. */
bool hpl_seen_run(struct run *r, const struct sub *s, const struct hpl_node *n, const struct at *at,
	bool (*check)(struct run *, const struct sub *, const struct hpl_node *, const struct at *));
/* Item or member i of n was looked at. */
static inline void hpl_seen(struct run *r, const struct hpl_node *n, size_t i)
{
	if (hpl_seen_wanted(r, n))
		hpl_seen_add(r->seen, i);
}
/* The run cannot go on; the first reason counts. */
#define HPL_BREAK(r, ...)                                                                          \
	do {                                                                                       \
		if (!(r)->broken)                                                                  \
			HPL_FAIL((r)->err, 0, 0, __VA_ARGS__);                                     \
		(r)->broken = true;                                                                \
	} while (0)

/* equal.c */
bool hpl_node_equal(const struct hpl_node *a, const struct hpl_node *b);
/* Index of the first item that equals an earlier one (*ret_first), or count. -1: no memory, -2: too
 * many different ones look alike. */
ptrdiff_t hpl_node_repeated(const struct hpl_node *list, size_t *ret_first);
bool hpl_node_is_integer(const struct hpl_node *n);
double hpl_node_number(const struct hpl_node *n);

/* format.c; NULL: unknown */
format_fn *hpl_format_find(const char *name);

/* ---- what a fault says: report.c, words.c, keys.c, advice.c, forms.c, pem.c, alternatives.c ---- */

/* A fault before it has a place. Empty cure: the schema's own. msg 0: the schema's, or the usual. */
struct hpl_words {
	uint32_t msg;
	enum hpl_fix fix;
	char text[320], cure[256], fix_text[160];
};
#define HPL_WORDS_NULL ((struct hpl_words){0})

/* Adds a fault when run->faults is set. entry: the member that is at fault when it is not the
 * instance itself. Returns whether the instance is valid all the same: false, but for warnings. */
bool hpl_fault_say(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at, const struct hpl_entry *entry, const struct hpl_words *w);
/* The same for a plain error; cure may be NULL. Always returns false. */
bool hpl_fault_add(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at, const struct hpl_entry *entry, const char *cure, const char *fmt, ...)
	HPL_PRINTF(7, 8);
/* NULL: no room, or run->broken was set. */
struct hpl_fault *hpl_fault_new(struct run *r);
void hpl_path_add(char *out, size_t size, const struct at *at);
/* ".seed", or ["reg.example"] when the key is more than a word. */
void hpl_path_key(char *out, size_t size, const char *key, size_t len);

/* Each by its keyword. They return whether the instance is valid all the same. */
bool hpl_fault_type(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at);
bool hpl_fault_value(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at); /* const, enum */
bool hpl_fault_number(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at, const char *relation);
bool hpl_fault_length(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at, size_t count, bool least);
bool hpl_fault_repeated(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at, size_t first, size_t second);
bool hpl_fault_form(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at); /* format */
bool hpl_fault_required(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at, const struct hpl_node *name);
bool hpl_fault_misspelt(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at, const struct hpl_entry *e, const char *name);
bool hpl_fault_unknown(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at, const struct hpl_entry *e);
/* e, a member of a mapping with free names whose members are as entry: is it rather a key of such a
 * member, with too little indentation? Then that is said, and true is returned. */
bool hpl_fault_misplaced(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at, const struct hpl_entry *e, const struct sub *entry);
/* oneOf, anyOf with no branch that fits: says it as one fault, or as those of the nearest branch. */
bool hpl_fault_branches(struct run *r, const struct check *c, const struct hpl_node *n,
	const struct at *at);

/* printf at the end of a text */
void hpl_words_add(char *out, size_t size, const char *fmt, ...) HPL_PRINTF(3, 4);
/* A value of a schema as YAML. */
void hpl_words_yaml(char *out, size_t size, const struct hpl_node *v);
/* "a list", "an integer", "a string of 12 characters" */
void hpl_describe(char *out, size_t size, const struct hpl_node *n);
void hpl_pattern_describe(char *out, size_t size, const struct sub *s, const struct hpl_node *n);
bool hpl_in_charset(const char *set, unsigned char c); /* "a-zA-Z0-9_" */
const char *hpl_char_class(unsigned char c);           /* "a blank", "a digit" */
/* The name nearest to key among the properties of s, NULL: none is near. */
const char *hpl_nearest_property(const struct sub *s, const char *key, size_t len);
/* A key of map that s does not know and that is likely meant to be name. */
const struct hpl_entry *hpl_misspelt(const struct sub *s, const struct hpl_node *map,
	const char *name, size_t len);
/* What s is after its references; whether it (or what it refers to) has a const, wants a kind. */
const struct sub *hpl_sub_target(const struct sub *s);
const struct hpl_node *hpl_sub_const(const struct sub *s);
bool hpl_sub_wants(const struct sub *s, enum hpl_kind kind);
