# SPDX-License-Identifier: Apache-2.0
"""Mistakes against the schema, made for every key that the parts know: nothing here names a key."""
from bases import CANARY, ensure, sample
from cases import CONTRACT, forms_for, pick
from emit import Map, Raw, clone, drop, get, path_text, put, rename, tree
from schema_keys import names_of, walk

DUPLICATE = 'HPL05004E'
UNKNOWN = 'HPL05013W'
KEY_SOURCE, NO_IMAGE = 'HPL05018E', 'HPL15005E'
AUDITOR, ONE, NAMES = 'HPL11002E', 'HPL12004E', 'HPL07015E'
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
        """Places that the same nodes speak of (containers of resources and of templates) take turns."""
        groups = {}
        for product in ('hpvs', 'ccco', 'ccrv'):
            for kind in ('Pod', 'ConfigMap'):
                for legacy in (False, True):
                    for path, view in walk(self.parts.root(product, kind, legacy)):
                        if path in (('workload',), ('env',)) or not self.bases_of(product, path):
                            continue
                        place = (product, path, view, kind, legacy)
                        groups.setdefault(view.mark(), []).append(place)
        for places in groups.values():
            self.group(self.distinct(places))

    @staticmethod
    def distinct(places):
        """A path once: without legacy and of the first product where it is there."""
        found = {}
        for place in places:
            found.setdefault(place[1], place)
        return list(found.values())

    def bases_of(self, product, path):
        return [n for n in self.bases.for_path(path) if product in self.bases.products(n)]

    def group(self, places):
        able = {}
        for place in places:
            for label, change in self.operators(place):
                able.setdefault(label, []).append((place, change))
        for turn, (label, choices) in enumerate(able.items()):
            self.case(label, *choices[turn % len(choices)])

    def operators(self, place):
        product, path, view, kind, legacy = place
        parent = self.parts.root(product, kind, legacy)
        for step in path[:-1]:
            parent = parent.item() if isinstance(step, int) else parent.child(step)
        if view.forbidden():
            return list(self.gone(view, path))
        return [*self.types(view), *self.values(view), *self.forms(view),
                *self.names(view, parent, path), *self.lists(view)]

    # ---- one case ----

    def start(self, product, path, kind, legacy, name):
        base = pick(name, self.bases_of(product, path))
        root = self.bases.root(base)
        if kind == 'ConfigMap' and path[:2] == ('workload', 'play') and len(path) > 3:
            put(root, path[:4], self.bases.config_map())
        if legacy and path[:3] == ('env', 'logging', 'logDNA'):
            put(root, path[:2], {})
        ensure(root, path[:-1] if self.parts_of(path, product, kind, legacy).forbidden() else path,
               self.parts.root(product, kind, legacy), self.bases.mat)
        after = KEY_SOURCE if base == 'keys' else None
        if path[-1] in ('signingKey', 'envWorkloadSignature'):
            after = ONE  # a pair is what key_cases.py makes
        return base, root, after

    def parts_of(self, path, product, kind, legacy):
        view = self.parts.root(product, kind, legacy)
        for step in path:
            view = view.item() if isinstance(step, int) else view.child(step)
        return view

    def case(self, label, place, change):
        product, path, view, kind, legacy = place
        name = ' '.join([product + ('' if kind == 'Pod' else '-map') + ('-legacy' if legacy else ''),
                         path_text(path), label])
        base, root, after = self.start(product, path, kind, legacy, name)
        spot = change(root, path)
        if spot is None:
            return
        if path[0] == 'attestationPublicKey' and spot.get('path') == path:
            spot['id'] = AUDITOR  # the bootloader needs it before anyone looks at a schema
        forms = forms_for(name, ('block', 'map') if spot.get('fix') else (
            'block', 'map', 'block', 'quoted', 'flow'))
        spot.setdefault('after', after)
        self.corpus.add_tree(
            name, spot.pop('kind', label.split()[0]), root, forms, keys=tuple(view.keys_here()),
            product=product if product != 'hpvs' else pick(name, [
                p for p in ('hpvs', 'ccrt') if p in self.bases.products(base)]),
            secrets=SECRET_NUMBERS if 'string' in (view.types() or ('string',)) else (),
            legacy=spot.pop('legacy', legacy), **spot)

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

    def gone(self, view, path):
        """Keys that older contracts had, or that other products have."""
        if not view.all('x-legacy'):
            values = {'mapping': Raw('{a: 1}'), 'empty': Raw('{}'), 'text': Raw(CANARY), 'number': Raw('1'),
                      'null': Raw('')}
        else:
            values = {'text': Raw(CANARY), 'list': Raw('[1]'), 'null': Raw(''), 'number': Raw('1'),
                      'real': Raw('1.5')}
        for label, raw in values.items():
            def change(root, path, raw=raw):
                if path[-2:] == ('workload', 'compose'):
                    drop(root, ('workload', 'play'))
                if path[-2:] == ('logging', 'logDNA'):
                    put(root, path[:-1], {})
                put(root, path, raw)
                return {'place': lambda p: (p.value(path)[0], None), 'path': path, 'kind': 'gone'}
            yield f'gone {label}', change

    def forms(self, view):
        """Strings that fit neither a pattern nor a format."""
        anyof = [b for branches in view.all('anyOf') for b in branches if isinstance(b, dict)]
        if not (view.all('pattern') or view.all('format') or any('format' in b for b in anyof)):
            return
        for label, text in (('blank', CANARY + ' €'), ('paragraph', '§ ' + CANARY), ('tab', CANARY + '\\t€')):
            def change(root, path, text=text):
                put(root, path, Raw(f'"{text}"'))
                return {'place': lambda p: p.value(path), 'path': path}
            yield f'form {label}', change

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
            if isinstance(word, str) and word:
                bad += [(f'enum {i} {word}', Raw(w)) for i, w in enumerate(
                    [word + 's', f'"{word} "', word[:-1] + 'x'])]
        for label, raw in bad:
            def change(root, path, raw=raw, label=label):
                if path[-1] == 'kind' and get(root, path).text != label.split()[-1]:
                    return None  # what is there is no other kind's
                put(root, path, raw)
                return {'place': lambda p: p.value(path), 'path': path, 'fix': label.startswith('enum')}
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
        if 'object' in (view.types() or ()) and view.unknown() in ('refuse', 'warn'):
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
                    spot = {'place': lambda p: p.key(path + (extra,)), 'fix': True, 'kind': 'extra'}
                    if not view.closed():
                        spot.update(id=UNKNOWN, valid=True, fix=False)
                    return spot
                yield f'extra {extra}', add

    def misspelt(self, parent, word, required):
        for wrong in spellings(word):
            if wrong in parent.property_names():
                continue

            def change(root, path, wrong=wrong):
                rename(root, path, wrong)
                spot = {'place': lambda p: p.key(path[:-1] + (wrong,)), 'fix': True,
                        'kind': 'misspelt', 'id': CONTRACT}
                if not (parent.closed() or required or self.needed(parent, path, get(root, path[:-1]))):
                    if not parent.unknown():
                        return None  # anything may stand here
                    spot.update(id=UNKNOWN, valid=True)
                if word == 'image' and len(path) > 5:  # which the image rule asks for
                    return {'place': lambda p: p.at(path[:-1]), 'id': NO_IMAGE, 'kind': 'misspelt'}
                if len(path) == 2 and word == 'volumes':  # what is left names no volumes
                    other = {'workload': 'env', 'env': 'workload'}[path[0]]
                    drop(root, (other, 'volumes'))
                    spot['after'] = NAMES
                return spot
            yield f'misspelt {wrong}', change

    @staticmethod
    def needed(parent, path, node):
        """Is nothing else there of what one must be?"""
        if path == ('env', 'logging'):
            return True
        present = {k for k, _ in node.items}
        return any(path[-1] in names and not present & set(names) for names in parent.alternatives())

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
