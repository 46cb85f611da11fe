# SPDX-License-Identifier: Apache-2.0
"""Mistakes against the schema, made for every key that the parts know: nothing here names a key."""
from bases import CANARY, ensure, sample
from cases import CONTRACT, forms_for, pick
from emit import Map, Raw, clone, drop, get, path_text, put, rename, tree
from schema_keys import names_of, walk

DUPLICATE = 'HPL05004E'
UNKNOWN = 'HPL05013W'
KEY_SOURCE = 'HPL05018E'
AUDITOR, ONE = 'HPL11002E', 'HPL12004E'
TYPES = {
    'null': '', 'boolean': 'true', 'integer': '987654321987', 'number': '98765.4321',
    'string': CANARY + 'text', 'array': f'[{CANARY}item]', 'object': f'{{{CANARY}key: 1}}',
}
SECRET_NUMBERS = ('987654321987', '98765.4321')


EXTRA = ('zzz', 'x-other', 'Äöü', '0 and more')


def spellings(word):
    """Ways to miss a word by a little."""
    middle = len(word) // 2
    out = [word[:middle] + word[middle + 1:], word[:middle] + word[middle] + word[middle:]]
    if middle and word[middle] != word[middle - 1]:
        out.append(word[:middle - 1] + word[middle] + word[middle - 1] + word[middle + 1:])
    out.append(word[0].swapcase() + word[1:])
    return [w for w in dict.fromkeys(out) if w and w != word]


class SchemaCases:
    def __init__(self, corpus, parts, bases):
        self.corpus = corpus
        self.parts = parts
        self.bases = bases

    def build(self):
        done = set()
        for product in ('hpvs', 'ccco', 'ccrv'):
            for kind in ('Pod', 'ConfigMap'):
                for path, view in walk(self.parts.root(product, kind)):
                    mark = (path, tuple(view.keys_here()) or (product != 'hpvs' and path,))
                    names = [n for n in self.bases.for_path(path)
                             if product in self.bases.products(n)]
                    if mark in done or path in (('workload',), ('env',)) or not names:
                        continue
                    done.add(mark)
                    self.place(product, path, view, kind)

    # ---- one place ----

    def start(self, product, path, kind, name):
        base = pick(name, [n for n in self.bases.for_path(path)
                           if product in self.bases.products(n)])
        root = self.bases.root(base)
        if kind == 'ConfigMap' and path[:2] == ('workload', 'play') and len(path) > 3:
            put(root, path[:4], self.bases.config_map())
        ensure(root, path, self.parts.root(product, kind), self.bases.mat)
        after = KEY_SOURCE if base == 'keys' else None
        if path[-1] in ('signingKey', 'envWorkloadSignature'):
            after = ONE  # a pair is what key_cases.py makes
        return base, root, after

    def place(self, product, path, view, kind):
        parent = self.parts.root(product, kind)
        for step in path[:-1]:
            parent = parent.item() if isinstance(step, int) else parent.child(step)
        todo = [*self.types(view), *self.values(view), *self.names(view, parent, path),
                *self.lists(view)]
        for label, change in todo:
            name = f'{product}{"" if kind == "Pod" else "-map"} {path_text(path)} {label}'
            base, root, after = self.start(product, path, kind, name)
            spot = change(root, path)
            if spot is None:
                continue
            if path[0] == 'attestationPublicKey' and spot.get('path') == path:
                spot['id'] = AUDITOR  # the bootloader needs it before anyone looks at a schema
            forms = forms_for(name, ('block', 'map') if spot.get('fix') else (
                'block', 'map', 'block', 'quoted', 'flow'))
            self.corpus.add_tree(
                name, spot.pop('kind', label.split()[0]), root, forms, keys=tuple(view.keys_here()),
                product=product if product != 'hpvs' else pick(name, [
                    p for p in ('hpvs', 'ccrt') if p in self.bases.products(base)]),
                secrets=SECRET_NUMBERS if 'string' in (view.types() or ('string',)) else (),
                after=after, **spot)

    # ---- operators: (label, change(root, path) -> what is expected) ----

    def types(self, view):
        allowed = view.types()
        if allowed is None and not (view.all('const') or view.all('enum')):
            return
        for word, text in TYPES.items():
            if allowed and (word in allowed or (word == 'integer' and 'number' in allowed)):
                continue

            def change(root, path, word=word, text=text):
                put(root, path, Raw(text))
                # what a mapping is wrong about is said at its name
                return {'place': lambda p: p.keys.get(path, p.values[path]) if word == 'object'
                        else p.value(path), 'path': path}
            yield f'type {word}', change

    def values(self, view):
        bad = []
        for n in view.all('minLength'):
            if n > 1:
                bad.append(('short', Raw('"' + 'x' * (n - 1) + '"')))
            if n > 0:
                bad.append(('short empty', Raw('""')))
        for n in view.all('maxLength'):
            bad.append(('long', Raw('"' + 'x' * (n + 1) + '"')))
        for n in view.all('minimum'):
            bad += [('small', Raw(str(n - 1))), ('small negative', Raw(str(n - 1000)))]
        for n in view.all('maximum'):
            bad += [('large', Raw(str(n + 1))), ('large far', Raw(str(n * 1000)))]
        for word in view.all('const') + [w for words in view.all('enum') for w in words]:
            if isinstance(word, str):
                bad += [(f'enum {i} {word}', Raw(w)) for i, w in enumerate(
                    [word + 's', f'"{word} "', word[:-1] + 'x'])]
        for label, raw in bad:
            def change(root, path, raw=raw):
                put(root, path, raw)
                return {'place': lambda p: p.value(path), 'path': path}
            yield label, change

    def names(self, view, parent, path):
        word = path[-1]
        if isinstance(word, int):
            return
        required = word in parent.required()
        if word in parent.property_names():
            yield from self.misspelt(parent, word, required)
        for label, at_end in (('duplicate', False), ('duplicate far', True)):
            def twice(root, path, at_end=at_end):
                parent_node = get(root, path[:-1])
                i = parent_node.index(word)
                where = len(parent_node.items) if at_end else i + 1
                parent_node.items.insert(where, [word, clone(parent_node.items[i][1])])
                return {'id': DUPLICATE, 'place': lambda p: p.key(path + ('#2',)), 'kind': 'duplicate',
                        'fix': True}
            yield label, twice
        if required:
            def missing(root, path):
                drop(root, path)
                if not get(root, path[:-1]).items:
                    return None
                return {'place': lambda p: p.at(path[:-1]), 'path': path[:-1],
                        'fix': bool(view.all('const'))}
            yield 'missing', missing
        if 'object' in (view.types() or ()) and view.closed():
            for extra in EXTRA:
                if view.child(extra):
                    continue

                def add(root, path, extra=extra):
                    node = get(root, path)
                    # a name that is mended needs a value that fits it
                    for name in names_of(view)[:1]:
                        node.items.append([extra, tree(sample(view.child(name), path + (name,),
                                                              self.bases.mat))])
                        break
                    else:
                        node.items.append([extra, Raw(CANARY)])
                    return {'place': lambda p: p.key(path + (extra,)), 'fix': True, 'kind': 'extra'}
                yield f'extra {extra}', add

    def misspelt(self, parent, word, required):
        for wrong in spellings(word):
            if wrong in parent.property_names():
                continue

            def change(root, path, wrong=wrong):
                rename(root, path, wrong)
                spot = {'place': lambda p: p.key(path[:-1] + (wrong,)), 'fix': True,
                        'kind': 'misspelt', 'id': CONTRACT}
                if not parent.closed() and not required and not self.needed(path):
                    if not parent.all('x-unknown'):
                        return None  # anything may stand here
                    spot.update(id=UNKNOWN, valid=True)
                return spot
            yield f'misspelt {wrong}', change

    @staticmethod
    def needed(path):
        """Keys that a product asks for elsewhere than in "required"."""
        return path in (('workload', 'compose'), ('workload', 'play'),
                        ('workload', 'confidential-containers'), ('env', 'logging'))

    def lists(self, view):
        bad = []
        for n in view.all('maxItems'):
            bad.append(('many', lambda root, path, n=n: many(get(root, path), n)))
        for n in view.all('minItems'):
            if n:
                bad.append(('few', lambda root, path: put(root, path, Raw('[]'))))
        if any(view.all('uniqueItems')):
            def repeat(root, path):
                get(root, path).items.append(clone(get(root, path + (0,))))
                return path + (1,)
            bad.append(('repeated', repeat))
        for label, change in bad:
            def act(root, path, change=change):
                at = change(root, path)
                at = at if isinstance(at, tuple) else path
                return {'place': lambda p: p.value(at)}
            yield label, act


def many(node, count):
    """More items, no two the same."""
    for i in range(count):
        item = clone(node.items[0])
        if isinstance(item, Map):
            item.items[0] = [item.items[0][0] + str(i), item.items[0][1]] if len(
                item.items) == 1 else [item.items[0][0], Raw(f'CANARY-value-{i:03}')]
        node.items.append(item)
