# SPDX-License-Identifier: Apache-2.0
"""The keys that the schema parts know, and what each of them allows.

A View is all schema nodes (of all parts of a product) that speak of one place of a contract. A key of
the schema is a property's node in a part: "app.json /$defs/container/properties/name". Every one of
them is counted once, however many places it is used at.
"""
import json
import os
import re


def products(source):
    """{product: its parts}, from the tables of schema/parts.c."""
    with open(source, encoding='utf-8') as f:
        text = f.read()
    found = {name: tuple(re.findall(r'"([^"]+)"', names)) for name, names in re.findall(
        r'static const char \*const (\w+)\[\] = \{([^}]*), NULL\}', text)}
    found['ccrt'] = found['hpvs']
    return found


class Parts:
    """The parts of contracts; parts that no product has (network) are not read."""

    def __init__(self, directory):
        self.parts = {}
        self.products = products(os.path.join(directory, 'parts.c'))
        for name in sorted({n for names in self.products.values() for n in names}):
            with open(os.path.join(directory, 'parts', name + '.json'), encoding='utf-8') as f:
                self.parts[name + '.json'] = json.load(f)

    def root(self, product, kind='Pod', legacy=False):
        return View(self, [(n + '.json', '', self.parts[n + '.json']) for n in self.products[product]],
                    kind, legacy)

    def resolve(self, part, pointer):
        node = self.parts[part]
        for step in pointer.lstrip('#').split('/')[1:]:
            node = node[step.replace('~1', '/').replace('~0', '~')]
        return node


def step_text(text):
    return text.replace('~', '~0').replace('/', '~1')


class View:
    """nodes: (part, pointer, schema). kind: what the "if" of a resource chooses by. legacy: what older
    contracts had is seen in place of what forbids it."""

    def __init__(self, parts, nodes, kind='Pod', legacy=False):
        self.parts = parts
        self.kind = kind
        self.legacy = legacy
        self.nodes = []
        self.seen = set()
        for node in nodes:
            self.expand(*node)

    def expand(self, part, pointer, schema):
        if (part, pointer) in self.seen or not isinstance(schema, dict):
            return
        self.seen.add((part, pointer))
        if self.legacy and schema.get('not') == {} and 'x-legacy' in schema:
            pointer, schema = pointer + '/x-legacy', schema['x-legacy']
        self.nodes.append((part, pointer, schema))
        if '$ref' in schema:
            target = schema['$ref']
            self.expand(part, target.lstrip('#'), self.parts.resolve(part, target))
        for i, sub in enumerate(schema.get('allOf', ())):
            self.expand(part, f'{pointer}/allOf/{i}', sub)
        if 'if' in schema:
            const = schema['if'].get('properties', {}).get('kind', {}).get('const')
            branch = 'then' if const == self.kind else 'else'
            if branch in schema:
                self.expand(part, f'{pointer}/{branch}', schema[branch])

    def child(self, key):
        found = []
        for part, pointer, schema in self.nodes:
            known = False
            if key in schema.get('properties', {}):
                known = True
                found.append((part, f'{pointer}/properties/{step_text(key)}',
                              schema['properties'][key]))
            for pattern, sub in schema.get('patternProperties', {}).items():
                if re.search(pattern, key):
                    known = True
                    found.append((part, f'{pointer}/patternProperties/{step_text(pattern)}', sub))
            more = schema.get('additionalProperties')
            if not known and isinstance(more, dict):
                found.append((part, f'{pointer}/additionalProperties', more))
        return View(self.parts, found, self.kind, self.legacy)

    def item(self):
        return View(self.parts, [(p, f'{at}/items', s['items']) for p, at, s in self.nodes
                                 if isinstance(s.get('items'), dict)], self.kind, self.legacy)

    # ---- queries ----

    def all(self, word):
        return [s[word] for _, _, s in self.nodes if word in s]

    def one(self, word, default=None):
        return next(iter(self.all(word)), default)

    def __bool__(self):
        return bool(self.nodes)

    def property_names(self):
        return sorted({k for s in self.all('properties') for k in s})

    def required(self):
        return sorted({k for names in self.all('required') for k in names})

    def closed(self):
        """Is an unknown key a fault here?"""
        return any(s.get('additionalProperties') is False for _, _, s in self.nodes)

    def types(self):
        """Kinds that are allowed; None: all."""
        allowed = None
        for words in self.all('type'):
            words = {words} if isinstance(words, str) else set(words)
            allowed = words if allowed is None else allowed & words
        return allowed

    def keys_here(self):
        """The schema keys that this place is an instance of."""
        return [f'{part} {pointer}' for part, pointer in
                ((p, re.sub('/x-legacy$', '', at)) for p, at, _ in self.nodes)
                if re.search(r'/properties/[^/]+$', pointer)]

    def mark(self):
        """The same for places that the same nodes speak of."""
        return tuple(sorted((part, pointer) for part, pointer, _ in self.nodes))

    def forbidden(self):
        return any(s.get('not') == {} for _, _, s in self.nodes)

    def alternatives(self):
        """Names of which one (oneOf) or some (anyOf) must be there."""
        return [[b['required'][0] for b in branches if len(b.get('required', ())) == 1]
                for branches in self.all('oneOf') + self.all('anyOf')]

    def unknown(self):
        """What becomes of a key that is not known: 'refuse', 'warn', 'near' (a warning when it is
        near to a known one), None."""
        return 'refuse' if self.closed() else self.one('x-unknown')


def names_of(view):
    """Names that stand for the patterns of a mapping."""
    samples = []
    for patterns in view.all('patternProperties'):
        for pattern in patterns:
            name = next((n for n in NAMES if re.search(pattern, n)), None)
            if name is None:
                raise KeyError(f'no sample name fits the pattern {pattern}')
            samples.append(name)
    if not samples and any(isinstance(m, dict) for m in view.all('additionalProperties')):
        samples.append('data')
    return list(dict.fromkeys(samples))


NAMES = ('data', 'NAME', 'registry.example.com', 'registry.example.com/team/app',
         'registry.example.com/app:1', 'x-data', '/data')


def walk(view, path=(), depth=0):
    """(path, view) of every place; lists have index 0, mappings with free names one of NAMES."""
    if depth > 20:
        return
    for name in dict.fromkeys(view.property_names() + names_of(view)):
        sub = view.child(name)
        if not sub:
            continue
        yield path + (name,), sub
        if sub.forbidden():
            continue
        yield from walk(sub, path + (name,), depth + 1)
    sub = view.item()
    if sub:
        yield path + (0,), sub
        yield from walk(sub, path + (0,), depth + 1)


def all_keys(parts):
    """Every property of every part, also those of branches that are not taken."""
    keys = set()

    def visit(part, pointer, node):
        if isinstance(node, dict):
            for word, sub in node.items():
                at = f'{pointer}/{step_text(word)}'
                if word == 'if':  # it asks, it does not say what is right
                    continue
                if word == 'properties' and isinstance(sub, dict):
                    keys.update(f'{part} {at}/{step_text(k)}' for k in sub)
                visit(part, at, sub)
        elif isinstance(node, list):
            for i, sub in enumerate(node):
                visit(part, f'{pointer}/{i}', sub)

    for part, schema in parts.parts.items():
        visit(part, '', schema)
    return keys
