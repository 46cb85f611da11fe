# SPDX-License-Identifier: Apache-2.0
"""The whole corpus, and what it covers."""
import collections
import os

import bases
import boot_cases
import cases
import key_cases
import material
import rule_cases
import schema_cases
import schema_keys
import syntax_cases
import token_cases

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMPONENTS = ('05', '11', '12')  # contract, bootloader, signature

# ids of these components that no contract provokes
ELSEWHERE = {
    'HPL05017W': 'no code says it yet',
    'HPL05000E': 'the bootloader says HPL11001E of such a text before the contract service sees it; '
                 'services/contract/tests',
    'HPL05002E': 'a fault of the image; services/contract/tests',
    'HPL05003E': 'the bus fails; services/contract/tests',
    'HPL11000E': 'disks, image, system; services/bootloader/tests, system-test',
    'HPL11004W': 'drives of the machine; services/bootloader/tests',
    'HPL11005W': 'a kernel module of the image',
    'HPL11099I': 'the end of every good boot; system-test',
    'HPL12000E': 'never said: the contract service reads the contract',
    'HPL12002E': 'never said: the contract service hands the texts over',
    'HPL12003E': 'never said: no values are handed to a command',
    'HPL12005E': 'never said: HPL12014I is',
    'HPL12006E': 'never said: HPL12015W is',
    'HPL12011W': "the image's own encryption certificate; its services' tests",
    'HPL12013W': "the image's own encryption certificate; its services' tests",
}


def catalogue():
    """Ids of the components, in order."""
    with open(os.path.join(TOP, 'proto', 'messages.yaml'), encoding='utf-8') as f:
        ids = [line.split()[2] for line in f if line.startswith('- id: HPL')]
    return list(dict.fromkeys(i for i in ids if i[3:5] in COMPONENTS))


class Generated(cases.Corpus):
    def __init__(self, work):
        super().__init__()
        self.mat = material.Material(os.path.join(work, 'material'))
        self.parts = schema_keys.Parts(os.path.join(TOP, 'schema'))
        self.all_keys = schema_keys.all_keys(self.parts)
        self.bases = bases.Bases(self.mat)
        schema_cases.SchemaCases(self, self.parts, self.bases).build()
        syntax_cases.SyntaxCases(self, self.bases).build()
        rule_cases.RuleCases(self, self.parts, self.bases).build()
        key_cases.KeyCases(self, self.bases).build()
        token_cases.TokenCases(self, self.bases).build()
        boot_cases.BootCases(self, os.path.join(work, 'boot')).build()

    def key_counts(self):
        counts = collections.Counter(k for c in self.cases for k in set(c.keys))
        return {k: counts[k] for k in self.all_keys}

    def id_counts(self):
        """Of every id that is expected, and of those of the components that should be."""
        counts = collections.Counter(i for c in self.cases for i in {c.id, c.says} if i)
        return {i: counts[i] for i in set(counts) | set(catalogue()) - set(ELSEWHERE)}

    def id_gaps(self):
        known, counts = set(catalogue()), self.id_counts()
        return [f'{i} is on the list and has cases' for i in ELSEWHERE if counts.get(i)] + [
            f'{i} is on the list and not in the catalogue' for i in ELSEWHERE if i not in known]

    def print_tables(self):
        print('# cases by class')
        for kind, n in collections.Counter(c.kind for c in self.cases).most_common():
            print(f'#   {kind:20} {n}')
        print('# cases by expected id')
        for i, n in sorted(self.id_counts().items()):
            print(f'#   {i:20} {n}')
        for i, why in ELSEWHERE.items():
            print(f'#   {i:20} none: {why}')
        print('# cases by key')
        for k, n in sorted(self.key_counts().items()):
            print(f'#   {n:5} {k}')
