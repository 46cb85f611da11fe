# SPDX-License-Identifier: Apache-2.0
"""Texts that the reader refuses, and those that only look as if it should."""
import re

from bases import CANARY
from cases import CONTRACT, Case
from emit import Raw, put, section_text, write

NOT_YAML = 'HPL11001E'
DUPLICATE, ALIASES, ENCODING, NUL, DEPTH, SIZE, DOCUMENTS, TAG = (
    f'HPL050{n:02}E' for n in range(4, 12))

# one place each in the middle of a section, at its end, in a list, in a nested mapping
SPOTS = (('compose', ('workload', 'volumes', 'data', 'seed')),
         ('compose', ('env', 'logging', 'syslog', 'hostname')),
         ('compose', ('env', 'env', 'TARGET')),
         ('play', ('workload', 'type')),
         ('play', ('workload', 'volumes', 'data', 'filesystem')),
         ('play', ('workload', 'play', 'resources', 0, 'metadata', 'name')),
         ('router', ('env', 'logging', 'logRouter', 'iamApiKey')))


def value_to(text):
    """Changes are called with the lines and the number of one; they return that of the mistake."""
    def change(lines, at):
        key = re.match(r'\s*(- )?[^:]*:', lines[at]).group(0)
        lines[at] = key + ' ' + text
        return at
    return change


def line_to(pattern, text):
    def change(lines, at):
        lines[at] = re.sub(pattern, text, lines[at], count=1)
        return at
    return change


def before(text):
    def change(lines, at):
        indent = len(lines[at]) - len(lines[at].lstrip())
        lines.insert(at, ' ' * indent + text)
        return at
    return change


# label, what happens to the line, id inside block text (None: as at the top)
SYNTAX = (
    ('unclosed double quote', value_to(f'"{CANARY} text')),
    ('unclosed single quote', value_to(f"'{CANARY} text")),
    ('unclosed bracket', value_to(f'[{CANARY}, two')),
    ('unclosed brace', value_to('{one: 1, two: 2')),
    ('two colons', value_to(f'{CANARY}: more')),
    ('text behind quote', value_to(f'"{CANARY}" more')),
    ('text behind block mark', value_to(f'| {CANARY}')),
    ('at sign', value_to(f'@{CANARY}')),
    ('backtick', value_to(f'`{CANARY}')),
    ('percent', value_to(f'%{CANARY}')),
    ('bad escape', value_to(f'"{CANARY} \\q"')),
    ('short escape', value_to(f'"{CANARY} \\x1"')),
    ('star', value_to('*')),
    ('ampersand', value_to('& x')),
    ('unknown alias', value_to('*nowhere')),
    ('undeclared tag prefix', value_to(f'!e!x {CANARY}')),
    ('lone comma', value_to(', x')),
    ('closing bracket', value_to('] x')),
    ('list on the line', value_to(f'- {CANARY}')),
    ('no colon', line_to(r':.*', f' {CANARY}')),
    ('tab indent', line_to(r'^ *', '\t')),
    ('tab behind blanks', line_to(r'^( *) ', r'\1\t')),
    ('indented too deep', line_to(r'^( *)(- )?', r'\1 \2')),
    ('indented too little', line_to(r'^ ', '')),
    ('list item among keys', before('- item')),
    ('word among keys', before(CANARY + 'word')),
)
TAGS = ('!foo', '!!python/object:os.system', '!!binary', '!!timestamp', '!!set', '!<tag:x,2020:y>')
BYTES = (('latin-1', b'\xe9t\xe9'), ('lone continuation', b'\x80'), ('overlong', b'\xc0\xaf'),
         ('surrogate', b'\xed\xa0\x80'), ('beyond Unicode', b'\xf4\x90\x80\x80'), ('0xff', b'\xff'),
         ('cut off', b'\xe2\x82'))
CONTROLS = (('NUL', b'\0'), ('SOH', b'\x01'), ('ESC', b'\x1b'), ('BEL', b'\x07'), ('DEL', b'\x7f'),
            ('C1', b'\xc2\x9b'))
# what YAML 1.2 makes of it where a string is asked for: a string, or another type
SURPRISES = (('yes', True), ('no', True), ('on', True), ('off', True), ('y', True), ('N', True),
             ('1:30', True), ('1_000', True), ('0b101', True), ('2001-01-01', True), ('.5.5', True),
             ('=', True), ('<<', True), ('012', False), ('0o14', False), ('0x1F', False),
             ('1e3', False), ('.inf', False), ('-.INF', False), ('.nan', False), ('~', False),
             ('Null', False), ('True', False), ('FALSE', False), ('+7', False), ('-0', False))
PORTS = (('0x1FA', True), ('0o1750', True), ('012', True), ('6514.0', True), ('1_000', False),
         ('0b11', False), ('1:30', False), ('yes', False), ('"6514"', False), ('6514.5', False))


class SyntaxCases:
    def __init__(self, corpus, bases):
        self.corpus = corpus
        self.bases = bases

    def build(self):
        for base, path in SPOTS:
            for form in ('block', 'map'):
                self.lines(base, path, form)
                self.tags(base, path, form)
                self.bytes(base, path, form)
                self.aliases(base, path, form)
                self.depth(base, path, form)
        self.surprises()
        self.documents()
        self.whole()
        self.large()

    def text(self, base, form, root=None):
        text, places = write(root or self.bases.root(base), {'workload': form, 'env': form})
        return text, places

    def add(self, name, kind, data, id, line=None, col=None, **more):
        if isinstance(data, str):
            data = data.encode()
        return self.corpus.add(Case(name, kind, data, id=id, line=line, col=col, **more))

    def label(self, base, path, form, what):
        return f'{base} {".".join(map(str, path))} {form} {what}'

    def lines(self, base, path, form):
        for what, change in SYNTAX:
            text, places = self.text(base, form)
            lines = text.split('\n')
            old = list(lines)
            at = change(lines, places.key(path)[0] - 1)
            if lines == old or not self.breaks(what, old, at, form):
                continue
            self.add(self.label(base, path, form, what), 'syntax', '\n'.join(lines),
                     CONTRACT if form == 'block' and what != 'tab indent' else NOT_YAML, at + 1)

    @staticmethod
    def breaks(what, lines, at, form):
        """Some of these are YAML, or another mistake, at the ends of a mapping."""
        def indent(i):
            return len(lines[i]) - len(lines[i].lstrip()) if 0 <= i < len(lines) else 0
        item = lines[at].lstrip().startswith('- ')
        first, last = indent(at - 1) < indent(at), indent(at + 1) < indent(at)
        if what in ('indented too deep', 'indented too little', 'tab behind blanks', 'no colon',
                    'word among keys', 'list item among keys', 'tab indent'):
            return not (first or last or item)
        return True

    def tags(self, base, path, form):
        for tag in TAGS:
            root = self.bases.root(base)
            put(root, path, Raw(f'{tag} {CANARY}'))
            text, places = self.text(base, form, root)
            self.add(self.label(base, path, form, 'tag ' + tag), 'tag', text, TAG, *places.value(path))
        for tag, value in (('!!int', CANARY), ('!!bool', CANARY), ('!!float', CANARY)):
            root = self.bases.root(base)
            put(root, path, Raw(f'{tag} {value}'))
            text, places = self.text(base, form, root)
            self.add(self.label(base, path, form, 'tag ' + tag), 'tag', text, TAG, *places.value(path))

    def bytes(self, base, path, form):
        text, places = self.text(base, form)
        line, col = places.value(path)
        lines = text.encode().split(b'\n')
        for kind, id, table in (('encoding', ENCODING, BYTES), ('control', NUL, CONTROLS)):
            for what, data in table:
                changed = list(lines)
                old = changed[line - 1]
                changed[line - 1] = old[:col] + data + old[col:]
                self.add(self.label(base, path, form, what), kind, b'\n'.join(changed), id, line, col + 1)
        for escape in ('\\0', '\\x00', '\\u0000'):
            root = self.bases.root(base)
            put(root, path, Raw(f'"{CANARY}{escape}text"'))
            text, places = self.text(base, form, root)
            self.add(self.label(base, path, form, 'escape ' + escape), 'NUL escape', text, NUL,
                     *places.value(path))

    def aliases(self, base, path, form):
        root = self.bases.root(base)
        section = path[0]
        put(root, (section, 'x-many'), Raw('[&a 1' + ', *a' * 257 + ']'))
        text, places = self.text(base, form, root)
        self.add(self.label(base, path, form, '257 aliases'), 'aliases', text, ALIASES,
                 places.value((section, 'x-many'))[0])
        root = self.bases.root(base)
        levels = ['&b0 [' + ', '.join('x' * 10) + ']']
        levels += [f'&b{i} [' + ', '.join([f'*b{i - 1}'] * 10) + ']' for i in range(1, 8)]
        for i, level in enumerate(levels):
            put(root, (section, f'x-bomb-{i}'), Raw(level))
        text, places = self.text(base, form, root)
        # 10^6 values are reached in the seventh line
        self.add(self.label(base, path, form, 'alias bomb'), 'aliases', text, ALIASES,
                 places.value((section, 'x-bomb-5'))[0])

    def depth(self, base, path, form):
        section = path[0]
        for what, n in (('nested 65', 64 if form == 'block' else 63), ('nested 200', 200)):
            root = self.bases.root(base)
            put(root, (section, 'x-deep'), Raw('[' * n + ']' * n))
            text, places = self.text(base, form, root)
            line, col = places.value((section, 'x-deep'))
            self.add(self.label(base, path, form, what), 'depth', text, DEPTH, line)
            if what != 'nested 65' or base == 'router':  # which has a warning of its own
                continue
            root = self.bases.root(base)
            put(root, (section, 'x-deep'), Raw('[' * (n - 1) + ']' * (n - 1)))
            text, places = self.text(base, form, root)
            self.add(self.label(base, path, form, 'nested 64'), 'valid', text, None, valid=True)

    def surprises(self):
        for base, path in SPOTS[2:3] + (('compose', ('workload', 'env', 'GREETING')),):
            for value, fits in SURPRISES:
                for form in ('block', 'map'):
                    root = self.bases.root(base)
                    put(root, path, Raw(value))
                    text, places = self.text(base, form, root)
                    self.add(self.label(base, path, form, 'YAML 1.1 ' + value), 'YAML 1.1', text,
                             None if fits else CONTRACT, valid=fits,
                             **({} if fits else dict(zip(('line', 'col'), places.value(path)))))
        path = ('env', 'logging', 'syslog', 'port')
        for value, fits in PORTS:
            root = self.bases.root('compose')
            put(root, path, Raw(value))
            text, places = self.text('compose', 'block', root)
            self.add(f'port {value}', 'YAML 1.1', text, None if fits else CONTRACT, valid=fits,
                     **({} if fits else dict(zip(('line', 'col'), places.value(path)))))

    def documents(self):
        for base in ('compose', 'play', 'router'):
            for form in ('block', 'map', 'quoted', 'flow'):
                text, _ = self.text(base, form)
                n = text.count('\n')
                for what, more in (('another', '---\nother: 1\n'), ('an empty one', '---\n'),
                                   ('one behind dots', '...\n---\nother: 1\n')):
                    self.add(f'{base} {form} documents {what}', 'documents', text + more, DOCUMENTS,
                             n + 1 + more.index('---') // 4)
            root = self.bases.root(base)
            inner = section_text(root.items[root.index('env')][1])
            for what, more in (('another', '---\nother: 1\n'), ('an empty one', '---\n')):
                root = self.bases.root(base)
                head, _ = write(root, {'workload': 'block', 'env': 'block'})
                del root.items[root.index('env')]
                head, _ = write(root, {'workload': 'block'})
                body = ''.join('  ' + line + '\n' for line in (inner + more).splitlines())
                self.add(f'{base} section documents {what}', 'documents', head + 'env: |\n' + body,
                         DOCUMENTS, head.count('\n') + 1 + inner.count('\n') + 1)

    def whole(self):
        for what, data in (
                ('empty', ''), ('blank', '  \n\n'), ('comment', '# nothing\n'), ('null', 'null\n'),
                ('tilde', '~\n'), ('word', 'hello\n'), ('text', 'hello world\nand more\n'),
                ('list', '- workload\n- env\n'), ('number', '42\n'), ('quoted', '"workload: x"\n')):
            self.add(f'whole {what}', 'no mapping', data, NOT_YAML, 1 if data.strip() else None)
        text, _ = self.text('router', 'map')
        self.add('whole 70 keys', 'no mapping', text + ''.join(f'x{i}: 1\n' for i in range(70)), NOT_YAML)
        self.add('whole UTF-16', 'encoding', text.encode('utf-16'), ENCODING, 1, 1)
        self.add('whole gzip', 'encoding', b'\x1f\x8b\x08\x00' + text.encode(), NUL, 1, 1)

    def large(self):
        for form in ('block', 'map'):
            root = self.bases.root('router')
            put(root, ('env', 'x-large'), Raw('x' * (16 << 20)))
            text, _ = self.text('router', form, root)
            self.add(f'{form} 16 MiB', 'size', text, SIZE)
            root = self.bases.root('router')
            put(root, ('env', 'x-many'), Raw('[' + '1,' * 1000001 + ']'))
            text, places = self.text('router', form, root)
            self.add(f'{form} a million values', 'size', text, SIZE,
                     places.value(('env', 'x-many'))[0])
        text, _ = self.text('router', 'block')
        self.add('comment 17 MiB', 'size', text + '# ' + 'x' * (17 << 20) + '\n', SIZE)
