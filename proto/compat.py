#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the event API and the message catalogue with the committed lists.

compat.py events PROTO LIST      every field and enum value of LIST is in PROTO with number and type
compat.py messages YAML LIST     every id of LIST is in YAML with name, part and outcome
compat.py ... --update           rewrites LIST (new entries only; nothing may vanish or change)

The text form of the event list is one line a field: message.field number type label.
"""
import re
import sys

import generate


def events(path):
    rows, scope = {}, []
    for line in open(path, encoding='utf-8'):
        line = line.split('//')[0].strip()
        if not line:
            continue
        opened = re.match(r'^(message|enum|oneof)\s+(\w+)\s*\{', line)
        if opened:
            kind, name = opened.groups()
            scope.append(None if kind == 'oneof' else name)
            if line.endswith('}'):
                scope.pop()
            continue
        if line == '}':
            scope.pop()
            continue
        where = '.'.join(s for s in scope if s)
        field = re.match(r'^(repeated\s+)?([\w.]+)\s+(\w+)\s*=\s*(\d+);$', line)
        value = re.match(r'^(\w+)\s*=\s*(\d+);$', line)
        if field:
            label, kind, name, number = field.groups()
            member = ' oneof' if None in scope else ''
            rows[f'{where}.{name}'] = f"{number} {kind}{' repeated' if label else ''}{member}"
        elif value:
            rows[f'{where}.{value.group(1)}'] = f'{value.group(2)} value'
    numbers = {}
    for name, rest in rows.items():
        key = (name.rsplit('.', 1)[0], rest.split()[0])
        if key in numbers:
            sys.exit(f'{path}: {name} and {numbers[key]} have one number')
        numbers[key] = name
    return rows


def messages(path):
    return {f"{r['id']} {r['name']}": f"{r['part']} {r['outcome']}"
            for r in generate.load_messages(path)}


def read_list(path):
    rows = {}
    try:
        for line in open(path, encoding='utf-8'):
            if line.strip() and not line.startswith('#'):
                key, rest = line.rstrip('\n').split('\t')
                rows[key] = rest
    except FileNotFoundError:
        pass
    return rows


def main():
    what, source, target = sys.argv[1:4]
    now = {'events': events, 'messages': messages}[what](source)
    before = read_list(target)
    wrong = [f'{k}: gone' for k in before if k not in now]
    wrong += [f'{k}: was "{before[k]}", is "{now[k]}"' for k in before
              if k in now and now[k] != before[k]]
    if wrong:
        sys.exit(f'{source}: incompatible with {target}:\n  ' + '\n  '.join(wrong))
    new = [k for k in now if k not in before]
    if '--update' in sys.argv:
        with open(target, 'w', encoding='utf-8') as f:
            f.write('# committed list; changed by proto/compat.py --update only\n')
            for k in sorted(now):
                f.write(f'{k}\t{now[k]}\n')
    elif new:
        sys.exit(f'{target} lacks {len(new)} entries ({", ".join(new[:3])} ...): run '
                 f'proto/compat.py {what} {source} {target} --update')
    print(f'{what}: {len(now)} entries, compatible')


if __name__ == '__main__':
    main()
