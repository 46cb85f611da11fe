#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The protocol of Terraform's external data source: validate, and the queries of docs/terraform."""
import os
import re
import sys

import yaml

sys.path.insert(0, os.path.dirname(__file__))
from toolkit import *  # noqa: E402,F403 pylint: disable=wildcard-import,unused-wildcard-import

MODULE = os.path.join(os.path.dirname(__file__), '../../../../docs/terraform/main.tf')
rsa('image', 4096, 'word')
rsa('signer')
CERT = certificate('image')

# validate
r = external('validate', {'contract': contract()})
check('a good contract is valid', r.rc == 0 and r.json['valid'] == 'true', r)
check('all results are strings', r.rc == 0 and all(isinstance(v, str) for v in r.json.values()), r)
check('warnings are counted and told', r.json['warnings'] == '1' and 'HPL05016W' in r.json['report'], r)
bad = contract(env=ENV.replace('type: env', 'type: enf'))
r = external('validate', {'contract': bad})
check('a wrong one is told on standard error with its place', r.rc == 1 and not r.out and
      'contract:2:9: error HPL05001E env.type' in r.err, r)
r = external('validate', {'contract_file': write('bad.yaml', bad)})
check('of a file with its name', r.rc == 1 and not r.out and path('bad.yaml') + ':2:9:' in r.err, r)
short = contract(workload=WORKLOAD + 'volumes:\n  data:\n    seed: short\n',
                 env=ENV + 'volumes:\n  data:\n    seed: short\n')
r = external('validate', {'contract': short})
check('a short seed is wrong', r.rc == 1 and 'seed' in r.err and 'short\n' not in r.err, r)
r = external('validate', {'contract': short, 'legacy': 'true'})
check('in legacy mode it is a warning', r.rc == 0 and int(r.json['warnings']) >= 2, r)
r = external('validate', {'contract': contract(), 'product': 'ccrv'})
check('the product decides', r.rc == 1 and 'compose' in r.err, r)
r = external('validate', {'contract': ENV, 'section': 'env'})
check('a section alone', r.rc == 0, r)
token = tool('encrypt', '--cert', CERT, '--no-validate', '-', stdin=bad).text()
r = external('validate', {'contract': token})
check('what is encrypted is not seen', r.rc == 0 and 'not opened' in r.json['report'] or
      'env' in r.json['report'], r)
r = external('validate', {'contract': token, 'key': read('image.enc.key').decode(), 'passphrase': 'word'})
check('a key opens it', r.rc == 1 and 'env.type' in r.err, r)
for name, query in (('nothing', {}), ('a product that is none', {'contract': contract(), 'product': 'x'}),
                    ('a wrong passphrase', {'contract': token, 'passphrase': 'x',
                                            'key_file': path('image.enc.key')}),
                    ('a file that is not there', {'contract_file': path('none')}),
                    ('no contract', {'contract': 'x'})):
    r = external('validate', query)
    check(f'a query with {name} fails', r.rc == 1 and not r.out and r.err, r)
expect_exit('--external takes no FILE', 2, 'validate', '--external', 'x')

# the module: its queries, filled in as Terraform would
with open(MODULE, encoding='utf-8') as f:
    module = f.read()
folder = os.path.join(DIR, 'compose')
os.makedirs(folder)
with open(os.path.join(folder, 'docker-compose.yaml'), 'w', encoding='utf-8') as f:
    f.write(f'services:\n  web:\n    image: docker.io/library/busybox@{DIGEST}\n')
values = {'var.compose_folder': folder, 'var.encryption_certificate': CERT, 'var.product': 'ccrt',
          'var.signing_key': path('signer.key')}
answers = {}
for name, verb, query in re.findall(
        r'data "external" "(\w+)" \{\s*program = \["hpl", "contract", "(\w+)", "--external"\]'
        r'\s*query = \{(.*?)\}', module, re.S):
    members = dict(re.findall(r'^\s*(\w+)\s*= (\S+)$', query, re.M))
    if 'archive' in answers:
        values['local.contract'] = json.dumps({'env': ENV, 'workload': json.dumps({
            'type': 'workload', 'compose': {'archive': answers['archive']['archive']}})})
    r = external(verb, {k: v.strip('"') if v[0] == '"' else values[v] for k, v in members.items()})
    check(f'the query {name} of main.tf is answered', r.rc == 0 and members, r)
    answers[name] = r.json
check('main.tf has the three queries', list(answers) == ['archive', 'valid', 'user_data'], answers)
used = set(re.findall(r'data\.external\.(\w+)\.result\.(\w+)', module))
check('it uses members that are there', used and all(m in answers[n] for n, m in used), used)
doc = yaml.safe_load(answers['user_data']['contract'])
env = yaml.safe_load(unseal(doc['env']))
check('its output is a signed contract', openssl_verify(
    write('pub', base64.b64decode(env['signingKey'])), doc['envWorkloadSignature'], doc['workload'],
    doc['env']))
check('whose hash is right', answers['user_data']['sha256'] == openssl(
    'dgst', '-sha256', '-hex', stdin=answers['user_data']['contract'].encode()).decode().split()[-1])
done()
