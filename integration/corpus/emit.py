# SPDX-License-Identifier: Apache-2.0
"""Contracts as trees, and their text with the place of every key and value.

A tree is made of Map (ordered; a key may stand twice), Seq, Raw (a scalar as it is written) and
Block (a literal block scalar). write() gives the text and a Places: path -> line and column.
A path is a tuple of keys and indices.
"""
import copy
import json
import re

PLAIN = re.compile(r'^[A-Za-z_/][A-Za-z0-9_./-]*$')
NOT_PLAIN = {'null', 'Null', 'NULL', 'true', 'True', 'TRUE', 'false', 'False', 'FALSE'}
FORMS = ('block', 'map', 'quoted', 'flow')


class Raw:
    def __init__(self, text):
        self.text = text


class Block:
    def __init__(self, text):
        self.text = text


class Map:
    def __init__(self, items=()):
        self.items = [[k, v] for k, v in items]

    def index(self, key):
        return next((i for i, (k, _) in enumerate(self.items) if k == key), None)


class Seq:
    def __init__(self, items=()):
        self.items = list(items)


def scalar(text):
    """A string as one line of YAML: plain where that is safe."""
    if PLAIN.match(text) and text not in NOT_PLAIN:
        return text
    return json.dumps(text, ensure_ascii=False)


def tree(value):
    """Python values as a tree; strings of several lines become blocks."""
    if isinstance(value, (Raw, Block, Map, Seq)):
        return value
    if isinstance(value, dict):
        return Map((k, tree(v)) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return Seq(tree(v) for v in value)
    if isinstance(value, str):
        return Block(value) if '\n' in value.rstrip('\n') else Raw(scalar(value))
    return Raw(json.dumps(value))


def get(node, path):
    """The node at path; None: not there."""
    for step in path:
        if isinstance(node, Map):
            i = node.index(step)
            if i is None:
                return None
            node = node.items[i][1]
        elif isinstance(node, Seq) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
        else:
            return None
    return node


def put(node, path, value):
    """Replaces or adds what is at path; its parent is there."""
    parent = get(node, path[:-1])
    if isinstance(parent, Seq):
        if path[-1] == len(parent.items):
            parent.items.append(tree(value))
        else:
            parent.items[path[-1]] = tree(value)
        return
    i = parent.index(path[-1])
    if i is None:
        parent.items.append([path[-1], tree(value)])
    else:
        parent.items[i][1] = tree(value)


def drop(node, path):
    parent = get(node, path[:-1])
    del parent.items[path[-1] if isinstance(parent, Seq) else parent.index(path[-1])]


def rename(node, path, name):
    parent = get(node, path[:-1])
    parent.items[parent.index(path[-1])][0] = name


def clone(node):
    return copy.deepcopy(node)


class Places:
    """Where keys and values stand. The second of two equal keys is at path + ('#2',)."""

    def __init__(self):
        self.keys = {}
        self.values = {}

    def note(self, table, path, place):
        while path in table:
            path = path + ('#2',)
        table[path] = place

    def key(self, path):
        return self.keys[path]

    def value(self, path):
        return self.values[path]

    def at(self, path):
        """Where a fault of the value at path belongs: a mapping's at its name, else the value's."""
        return self.keys[path] if path in self.keys and path in self.maps else self.values[path]

    maps = frozenset()


class Writer:
    def __init__(self, line=1):
        self.lines = []
        self.current = ''
        self.places = Places()
        self.places.maps = set()
        self.first = line

    def place(self):
        return self.first + len(self.lines), len(self.current) + 1

    def add(self, text):
        self.current += text

    def end(self):
        self.lines.append(self.current)
        self.current = ''

    def text(self):
        return '\n'.join(self.lines) + '\n'

    # ---- block style ----

    def block(self, node, indent, path):
        """The node at the beginning of a line (mappings, lists)."""
        pad = ' ' * indent
        if isinstance(node, Map):
            for key, value in node.items:
                if len(self.current) < indent:
                    self.add(pad)
                self.places.note(self.places.keys, path + (key,), self.place())
                self.add(scalar(key) + ':')
                self.value(value, indent, path + (key,))
            return
        for i, value in enumerate(node.items):
            self.add(pad[len(self.current):] + '- ')
            if isinstance(value, Map) and value.items:
                self.places.note(self.places.values, path + (i,), self.place())
                self.block(value, indent + 2, path + (i,))
            else:
                self.current = self.current[:-1]
                self.value(value, indent, path + (i,))

    def value(self, node, indent, path):
        """The node behind "key:" or "-"."""
        places = self.places
        if isinstance(node, Map):
            places.maps.add(path)
        if isinstance(node, (Map, Seq)) and node.items:
            self.end()
            places.note(places.values, path, (self.first + len(self.lines), indent + 3))
            self.block(node, indent + 2, path)
            return
        if not node_text(node):  # nothing is written: it ends behind the colon
            places.note(places.values, path, self.place())
            self.end()
            return
        self.add(' ')
        places.note(places.values, path, self.place())
        if isinstance(node, Block):
            text = node.text
            self.add('|' if text.endswith('\n') else '|-')
            self.end()
            for line in text.rstrip('\n').split('\n'):
                self.add(' ' * (indent + 2) + line if line else '')
                self.end()
            return
        self.add(node.text if isinstance(node, Raw) else '{}' if isinstance(node, Map) else '[]')
        self.end()

    # ---- flow style, all on one line ----

    def flow(self, node, path):
        places = self.places
        places.note(places.values, path, self.place())
        if isinstance(node, Map):
            places.maps.add(path)
            self.add('{')
            for i, (key, value) in enumerate(node.items):
                self.add(', ' if i else '')
                places.note(places.keys, path + (key,), self.place())
                self.add(json.dumps(key) + ': ')
                self.flow(value, path + (key,))
            self.add('}')
        elif isinstance(node, Seq):
            self.add('[')
            for i, value in enumerate(node.items):
                self.add(', ' if i else '')
                self.flow(value, path + (i,))
            self.add(']')
        elif isinstance(node, Block):
            self.add(json.dumps(node.text, ensure_ascii=False))
        else:
            self.add(node.text or 'null')


def node_text(node):
    return node.text if isinstance(node, Raw) else 'x'


def section_text(node):
    """A section alone, as it stands in a block or a token."""
    w = Writer()
    w.block(node, 0, ())
    return w.text()


def write(root, forms):
    """Text and Places of a contract. forms: of workload and env, each one of FORMS."""
    w = Writer()
    for key, value in root.items:
        form = forms.get(key, 'map')
        path = (key,)
        if form == 'map' or not isinstance(value, Map):
            w.block(Map([(key, value)]), 0, ())
            continue
        w.places.note(w.places.keys, path, w.place())
        w.places.maps.add(path)
        w.add(key + ': ')
        if form == 'flow':
            w.flow(value, path)
            w.end()
        elif form == 'quoted':
            place = w.place()
            inner = Writer()
            inner.block(value, 0, path)
            w.places.values[path] = place
            w.places.maps |= inner.places.maps
            w.places.keys.update({p: place for p in inner.places.keys})
            w.places.values.update({p: place for p in inner.places.values})
            w.add(json.dumps(inner.text(), ensure_ascii=False))
            w.end()
        else:
            w.add('|')
            w.end()
            w.places.note(w.places.values, path, (w.first + len(w.lines), 3))
            w.block(value, 2, path)
    return w.text(), w.places


def path_text(path):
    """As the tools print it: a.b["x/y"][0]"""
    out = ''
    for step in path:
        if isinstance(step, int):
            out += f'[{step}]'
        elif step == '#2':
            continue
        elif re.match(r'^[A-Za-z0-9_-]+$', step):
            out += ('.' if out else '') + step
        else:
            out += '["' + step + '"]'
    return out
