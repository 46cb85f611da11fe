#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes C tables, the documentation page and the JSON file from messages.yaml and topics.yaml.

generate.py messages-h|messages-c|messages-md|messages-json|messages-list|topics-h|topics-c IN OUT
"""
import json
import re
import sys

import yaml

ID = re.compile(r'^HPL(\d\d)(\d\d\d)([IWE])$')
SEVERITY = {'I': 'HPL_SEV_INFO', 'W': 'HPL_SEV_WARNING', 'E': 'HPL_SEV_ERR'}
# known ids with the letter E that the field prints for states that are no failure (facts 06)
E_WITHOUT_FAILURE = {'HPL12005E', 'HPL12006E'}


def load_messages(path):
    rows = yaml.safe_load(open(path, encoding='utf-8'))
    names, ids = set(), {}
    for row in rows:
        what = f"{path}: {row.get('id')}"
        if not ID.match(row['id']):
            sys.exit(f'{what}: not an id')
        if set(row) != {'id', 'name', 'part', 'text', 'cause', 'action', 'outcome'}:
            sys.exit(f'{what}: wrong keys {sorted(row)}')
        if row['name'] in names:
            sys.exit(f"{what}: name {row['name']} used twice")
        # one id is used for two messages in the field; everything else is unique
        if row['id'] in ids and row['id'] != 'HPL13000I':
            sys.exit(f'{what}: id used twice')
        if row['outcome'] not in ('final', 'retry', 'none'):
            sys.exit(f"{what}: outcome {row['outcome']}")
        names.add(row['name'])
        ids[row['id']] = row
    return sorted(rows, key=lambda r: (r['id'], r['name']))


def c_string(text):
    return '"' + text.replace('\\', '\\\\').replace('"', '\\"').replace('\n', '\\n') + '"'


def messages_h(rows):
    yield '/* generated from proto/messages.yaml */\n#pragma once\n'
    yield '#include "runtime/base/log.h"\n\nenum hpl_msg {\n\tHPL_MSG_NONE = 0,\n'
    for r in rows:
        yield f"\tHPL_MSG_{r['name']}, /* {r['id']} */\n"
    yield '\tHPL_MSG__COUNT\n};\n\n'
    yield ('enum hpl_outcome { HPL_OUTCOME_NONE, HPL_OUTCOME_RETRY, HPL_OUTCOME_FINAL };\n\n'
           'struct hpl_msg_info {\n\tconst char *id;     /* "HPL05001E" */\n'
           '\tconst char *name;   /* "CONTRACT_VALIDATE_CONTRACT" */\n'
           '\tconst char *part;\n\tenum hpl_severity severity;\n'
           '\tconst char *text;   /* what stands behind "<id>: " */\n'
           '\tconst char *cause;\n\tconst char *action;\n\tenum hpl_outcome outcome;\n};\n\n'
           '/* Never NULL: an index outside the catalogue gives the entry of HPL_MSG_NONE. */\n'
           'const struct hpl_msg_info *hpl_msg_info(uint32_t msg);\n'
           '/* The first entry with this id ("HPL05001E"); NULL when there is none. */\n'
           'const struct hpl_msg_info *hpl_msg_find(const char *id);\n')


def messages_c(rows):
    yield '/* generated from proto/messages.yaml */\n#include "proto/messages.h"\n\n'
    yield 'static const struct hpl_msg_info table[HPL_MSG__COUNT] = {\n'
    yield '\t[HPL_MSG_NONE] = {"", "NONE", "", HPL_SEV_INFO, "", "", "", HPL_OUTCOME_NONE},\n'
    for r in rows:
        yield (f"\t[HPL_MSG_{r['name']}] = {{{c_string(r['id'])}, {c_string(r['name'])}, "
               f"{c_string(r['part'])}, {SEVERITY[r['id'][-1]]}, {c_string(r['text'])},\n"
               f"\t\t{c_string(r['cause'])},\n\t\t{c_string(r['action'])}, "
               f"HPL_OUTCOME_{r['outcome'].upper()}}},\n")
    yield ('};\n\nconst struct hpl_msg_info *hpl_msg_info(uint32_t msg)\n{\n'
           '\treturn &table[msg < HPL_MSG__COUNT ? msg : HPL_MSG_NONE];\n}\n\n'
           'const struct hpl_msg_info *hpl_msg_find(const char *id)\n{\n'
           '\tfor (size_t i = 1; i < HPL_MSG__COUNT; i++)\n'
           '\t\tif (hpl_streq(table[i].id, id))\n\t\t\treturn &table[i];\n'
           '\treturn NULL;\n}\n')


def messages_md(rows):
    yield ('<!-- generated from proto/messages.yaml by proto/generate.py; do not edit -->\n'
           '# Message catalogue\n\n'
           'A line in log or console reads `<id>: <text>`, with ` -> <cause>` behind it where there '
           'is one. The last letter of an id is its severity: `I` information, `W` warning, '
           '`E` failure. An id keeps its meaning for ever. *Final*: the same contract fails '
           'again. *Retry*: it may go well another time.\n')
    parts = {}
    for r in rows:
        parts.setdefault(r['part'], []).append(r)
    for part in sorted(parts, key=lambda p: parts[p][0]['id']):
        yield f'\n## {part}\n\n| id | name | text | what happened | what to do | outcome |\n'
        yield '|---|---|---|---|---|---|\n'
        for r in parts[part]:
            cells = [r['id'], f"`{r['name']}`", r['text'], r['cause'], r['action'] or '–',
                     r['outcome'] if r['outcome'] != 'none' else '–']
            yield '| ' + ' | '.join(c.replace('|', '\\|') for c in cells) + ' |\n'


def messages_json(rows):
    yield json.dumps({'version': 1, 'messages': rows}, indent=1, ensure_ascii=False) + '\n'


def messages_list(rows):
    for r in rows:
        yield f"{r['id']}\t{r['name']}\t{r['part']}\t{r['outcome']}\n"


def constant(topic):
    return 'HPL_TOPIC_' + re.sub(r'[^A-Z0-9]', '_', topic.upper())


def topics_h(rows):
    yield '/* generated from proto/topics.yaml */\n#pragma once\n#include <stddef.h>\n\n'
    for r in rows:
        yield f"#define {constant(r['topic'])} \"{r['topic']}\" /* {r['doc']} */\n"
    yield ('\nstruct hpl_topic {\n\tconst char *name;\n'
           '\tint payload_case;    /* HPL__EVENT__PAYLOAD_..., 0 = none */\n'
           '\tconst char *reader;  /* confidential: the one service that may receive it */\n};\n'
           'extern const struct hpl_topic hpl_topics[];\nextern const size_t hpl_topics_count;\n'
           '/* NULL: no such topic */\nconst struct hpl_topic *hpl_topic_find(const char *name);\n')


def topics_c(rows):
    yield ('/* generated from proto/topics.yaml */\n#include "proto/topics.h"\n'
           '#include "proto/events.pb-c.h"\n#include "runtime/base/util.h"\n\n'
           'const struct hpl_topic hpl_topics[] = {\n')
    for r in rows:
        payload = '0' if r['payload'] == 'none' else f"HPL__EVENT__PAYLOAD_{r['payload'].upper()}"
        reader = c_string(r['confidential']) if 'confidential' in r else 'NULL'
        yield f"\t{{{c_string(r['topic'])}, {payload}, {reader}}},\n"
    yield ('};\nconst size_t hpl_topics_count = HPL_ARRAY_SIZE(hpl_topics);\n\n'
           'const struct hpl_topic *hpl_topic_find(const char *name)\n{\n'
           '\tfor (size_t i = 0; i < hpl_topics_count; i++)\n'
           '\t\tif (hpl_streq(hpl_topics[i].name, name))\n\t\t\treturn &hpl_topics[i];\n'
           '\treturn NULL;\n}\n')


def main():
    what, source, target = sys.argv[1:4]
    if what.startswith('messages-'):
        rows = load_messages(source)
    else:
        rows = yaml.safe_load(open(source, encoding='utf-8'))
    text = ''.join(globals()[what.replace('-', '_')](rows))
    with open(target, 'w', encoding='utf-8') as f:
        f.write(text)


if __name__ == '__main__':
    main()
