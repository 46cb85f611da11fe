/* SPDX-License-Identifier: Apache-2.0 */
/* Pods and ConfigMaps: types are errors, what the engine does not read is a warning. */
#include "proto/messages.h"
#include "schema/compose.h"
#include "schema/tests/lines.h"

TestSuite(kube, .fini = hpl_parts_free);

#define PLAY(list) \
	"env: {type: env, logging: {syslog: {hostname: h.example, server: QUJD}}}\n" \
	"workload:\n" \
	"  type: workload\n" \
	"  play:\n" \
	"    " list ":\n" \
	"    - apiVersion: v1\n" \
	"      kind: Pod\n" \
	"      metadata:\n" \
	"        name: web\n" \
	"        labels: {app: web}\n" \
	"        annotations: {note: text}\n" \
	"      spec:\n" \
	"        restartPolicy: Always\n" \
	"        hostname: web\n" \
	"        hostNetwork: true\n" \
	"        securityContext: {runAsUser: 1000, sysctls: [{name: a.b, value: \"1\"}]}\n" \
	"        hostAliases: [{ip: 10.0.0.5, hostnames: [db]}]\n" \
	"        dnsConfig: {nameservers: [10.0.0.53], searches: [example], options: [{name: a}]}\n" \
	"        initContainers:\n" \
	"        - name: first\n" \
	"          image: reg.example/init\n" \
	"        containers:\n" \
	"        - name: main\n" \
	"          image: reg.example/app\n" \
	"          imagePullPolicy: IfNotPresent\n" \
	"          command: [sh, -c]\n" \
	"          args:\n" \
	"          - run\n" \
	"          workingDir: /srv\n" \
	"          tty: false\n" \
	"          stdin: false\n" \
	"          env:\n" \
	"          - name: A\n" \
	"            value: b\n" \
	"          - {name: C, valueFrom: {configMapKeyRef: {name: m, key: k, optional: true}}}\n" \
	"          - {name: D, valueFrom: {fieldRef: {fieldPath: metadata.name}}}\n" \
	"          envFrom: [{configMapRef: {name: contract.config.map}, prefix: P_}]\n" \
	"          ports:\n" \
	"          - containerPort: 8080\n" \
	"            hostPort: 80\n" \
	"            protocol: TCP\n" \
	"          volumeMounts:\n" \
	"          - name: data\n" \
	"            mountPath: /data\n" \
	"            readOnly: true\n" \
	"          resources: {limits: {cpu: 500m, memory: 512Mi}, requests: {cpu: 1}}\n" \
	"          securityContext: {privileged: false, capabilities: {add: [NET_ADMIN]}}\n" \
	"          livenessProbe: {httpGet: {port: 8080, path: /}, periodSeconds: 5}\n" \
	"          lifecycle: {}\n" \
	"        volumes:\n" \
	"        - name: data\n" \
	"          hostPath:\n" \
	"            path: /mnt/data\n" \
	"            type: Directory\n" \
	"        - {name: conf, configMap: {name: m, items: [{key: k, path: f}], defaultMode: 0o644}}\n" \
	"        - {name: tmp, emptyDir: {}}\n" \
	"        - {name: claim, persistentVolumeClaim: {claimName: c}}\n" \
	"    - apiVersion: v1\n" \
	"      kind: ConfigMap\n" \
	"      metadata:\n" \
	"        name: m\n" \
	"      data:\n" \
	"        k: text\n" \
	"      binaryData:\n" \
	"        f: QUJD\n"

static const char PODS[] = PLAY("resources");
static const char TEMPLATES[] = PLAY("templates");
#define R "workload.play.resources[0]"
#define C R ".spec.containers[0]"
#define M "workload.play.resources[1]"

Test(kube, right)
{
	static const char *const more[][2] = {
		{"          workingDir: /srv", "          volumeDevices: null"},
		{"          image: reg.example/init", "          image: reg.example/init@sha256:00"},
		{"        k: text", "        k: |\n          text"},
		{"        name: m", "        name: m\n        labels:"},
		{"            hostPort: 80", "            hostIP: 10.0.0.1"},
	};
	check_right(PODS, HPL_PRODUCT_HPVS, false);
	check_right(PODS, HPL_PRODUCT_CCRV, false);
	check_right(PODS, HPL_PRODUCT_CCCO, false);
	check_right(TEMPLATES, HPL_PRODUCT_CCRT, false);
	CHECK_RIGHT_LINES(PODS, more);
}

Test(kube, resources)
{
	static const struct wrong rows[] = {
		{"      kind: Pod", "      kind: Deployment", 0, 13, R ".kind",
			"accepted are Pod and ConfigMap", "spec: template:", NONE},
		{"      kind: Pod", "      kind: pod", 0, 13, R ".kind", "accepted are Pod and ConfigMap",
			"did you mean Pod?", REPLACE("Pod")},
		{"      kind: Pod", "      knd: Pod", 0, 7, R ".knd", "\"kind\" is missing",
			"did you mean \"kind\"?", RENAME("kind")},
		{"    - apiVersion: v1", "    - apiVersion: apps/v1", 0, 19, R ".apiVersion",
			"must be \"v1\"", "write apiVersion: v1", REPLACE("v1")},
		{"        name: web", "        nam: web", 0, 9, R ".metadata.nam", "is not known here",
			"did you mean \"name\"?", RENAME("name")},
		{"        name: web", "        name: web site", 0, 15, R ".metadata.name",
			"has a blank as character 4", "write a name of letters", NONE},
		{"        labels: {app: web}", "        labels: {app: 5}", 0, 23, R ".metadata.labels.app",
			"is an integer, must be a string", "app: \"...\"", NONE},
		{"      metadata:", "      metadata:\n        owner: me", 1, 9, R ".metadata.owner",
			"is not known here and is ignored", "remove it; known here: name", REMOVE, UNKNOWN},
		{"      spec:", "      spce:", 0, 7, R ".spce", "\"spec\" is missing",
			"did you mean \"spec\"?", RENAME("spec")},
		{"        k: text", "        k: 5", 0, 12, M ".data.k", "is an integer, must be a string",
			"k: \"...\"", NONE},
		{"        f: QUJD", "        f: \"?\"", 0, 12, M ".binaryData.f", "is no base64",
			"base64 -w0", NONE},
		{"      data:", "      dta:", 0, 7, M ".dta", "is not known here and is ignored",
			"did you mean \"data\"?", RENAME("data"), UNKNOWN},
		{"        name: m", "        name:", 0, 14, M ".metadata.name", "is empty",
			"write a name", NONE},
	};
	CHECK_WRONG(PODS, rows);
}

Test(kube, pods)
{
	static const struct wrong rows[] = {
		{"        restartPolicy: Always", "        restartPolicy: always", 0, 24,
			R ".spec.restartPolicy", "must be one of: Always, OnFailure, Never",
			"did you mean Always?", REPLACE("Always")},
		{"        hostNetwork: true", "        hostNetwork: yes", 0, 22, R ".spec.hostNetwork",
			"is a string of 3 characters, must be true or false", "write true: \"yes\" is text",
			REPLACE("true")},
		{"        hostNetwork: true", "        hostNetwork: \"true\"", 0, 22,
			R ".spec.hostNetwork", "must be true or false", "write true without quotes",
			REPLACE("true")},
		{"        hostNetwork: true", "        hostNetwork: 1", 0, 22, R ".spec.hostNetwork",
			"is an integer, must be true or false", "write true", REPLACE("true")},
		{"        hostNetwork: true", "        hostnetwork: true", 0, 9, R ".spec.hostnetwork",
			"is ignored", "did you mean \"hostNetwork\"?", RENAME("hostNetwork"), UNKNOWN},
		{"        hostname: web", "        tolerations: []", 0, 9, R ".spec.tolerations",
			"is not known here and is ignored", "remove it", REMOVE, UNKNOWN},
		{"        hostname: web", "        hostname: 5", 0, 19, R ".spec.hostname",
			"is an integer, must be a string", "hostname: \"...\"", NONE},
		{"        hostAliases: [{ip: 10.0.0.5, hostnames: [db]}]",
			"        hostAliases: [{ip: 10.0.0, hostnames: [db]}]", 0, 28,
			R ".spec.hostAliases[0].ip", "is a string of 6 characters that is no IP address",
			"write an IP address", NONE},
		{"        volumes:", "        volumes: {}\n        more:", 0, 9, R ".spec.volumes",
			"is a mapping, must be a list", "begin each item with \"- \"", NONE, .more = 1},
		{"          hostPath:", "          hostpath:", 0, 11, R ".spec.volumes[0].hostpath",
			"\"hostPath\" is missing", "did you mean \"hostPath\"?", RENAME("hostPath")},
		{"          hostPath:", "          nfs:", -1, 11, R ".spec.volumes[0]",
			"must have one of: hostPath, configMap, secret, emptyDir or persistentVolumeClaim",
			"hostPath: {path: /mnt/data}", NONE, .more = 1},
		{"            type: Directory", "            type: directory", 0, 19,
			R ".spec.volumes[0].hostPath.type", "must be one of", "did you mean Directory?",
			REPLACE("Directory")},
		{"        - {name: conf, configMap: {name: m, items: [{key: k, path: f}], defaultMode: 0o644}}",
			"        - {name: conf, configMap: {name: m, defaultMode: 0644}}", 0, 58,
			R ".spec.volumes[1].configMap.defaultMode", "is 0644, must be at most 511",
			"write the mode in octal as 0o644", NONE},
	};
	CHECK_WRONG(PODS, rows);
}

Test(kube, containers)
{
	static const struct wrong rows[] = {
		{"        - name: main", "        - nmae: main", 0, 11, C ".nmae", "\"name\" is missing",
			"did you mean \"name\"?", RENAME("name")},
		{"          image: reg.example/app", "          imag: reg.example/app", 0, 11, C ".imag",
			"is ignored", "did you mean \"image\"?", RENAME("image"), UNKNOWN},
		{"          image: reg.example/app", "          image: [a]", 0, 18, C ".image",
			"is a list, must be a string", "write one value", NONE},
		{"          imagePullPolicy: IfNotPresent", "          imagePullPolicy: ifnotpresent", 0, 28,
			C ".imagePullPolicy", "must be one of: Always, IfNotPresent, Never",
			"did you mean IfNotPresent?", REPLACE("IfNotPresent")},
		{"          command: [sh, -c]", "          command: sh", 0, 20, C ".command",
			"is a string of 2 characters, must be a list", "write a list: command: [...]", NONE},
		{"          - run", "          - 5", 0, 13, C ".args[0]", "is an integer, must be a string",
			"put the value in quotes: \"...\"", NONE},
		{"          tty: false", "          tty: \"off\"", 0, 16, C ".tty", "must be true or false",
			"write false: \"off\" is text", REPLACE("false")},
		{"            value: b", "            value: 5", 0, 20, C ".env[0].value",
			"is an integer, must be a string", "value: \"...\"", NONE},
		{"            value: b", "            value: true", 0, 20, C ".env[0].value",
			"is true or false, must be a string", "quote it: \"true\"", REPLACE("\"true\"")},
		{"          - name: A", "          - key: A", 0, 13, C ".env[0]", "lacks \"name\"",
			"add \"name:\" with the name of an environment variable", NONE, .more = 1},
		{"          - containerPort: 8080", "          - containerPort: \"8080\"", 0, 28,
			C ".ports[0].containerPort", "is a string of 4 characters, must be an integer",
			"write 8080 without quotes", REPLACE("8080")},
		{"            hostPort: 80", "            hostPort: 80000", 0, 23, C ".ports[0].hostPort",
			"is 80000, must be at most 65535", "from 1 to 65535", NONE},
		{"            protocol: TCP", "            protocol: HTTP", 0, 23, C ".ports[0].protocol",
			"must be one of: TCP, UDP, SCTP", "write one of", NONE},
		{"            mountPath: /data", "            mountpath: /data", 0, 13,
			C ".volumeMounts[0].mountpath", "\"mountPath\" is missing", "did you mean",
			RENAME("mountPath")},
		{"            readOnly: true", "            readOnly: ro", 0, 23,
			C ".volumeMounts[0].readOnly", "must be true or false", "write true or false", NONE},
		{"          resources: {limits: {cpu: 500m, memory: 512Mi}, requests: {cpu: 1}}",
			"          resources: {limits: {memory: 512 MB}}", 0, 40, C ".resources.limits.memory",
			"expected: a quantity such as 2, 500m or 512Mi", "512Mi (of memory)", NONE},
		{"          livenessProbe: {httpGet: {port: 8080, path: /}, periodSeconds: 5}",
			"          livenessProbe: {httpGet: {path: /}}", 0, 27, C ".livenessProbe.httpGet",
			"lacks \"port\"", "add \"port:\" with a port from 1 to 65535", NONE},
	};
	CHECK_WRONG(PODS, rows);
}

Test(kube, placeholders_in_templates)
{
	static const struct wrong rows[] = {
		{"            hostPort: 80", "            hostPort: \"{{ .Env.PORT }}\"", 0, 23,
			C ".ports[0].hostPort", "must be an integer", "from 1 to 65535", NONE},
	};
	static const char *const right[][2] = {
		{"            hostPort: 80", "            hostPort: \"{{ .Env.PORT }}\""},
		{"        hostNetwork: true", "        hostNetwork: \"{{ .Env.NET }}\""},
		{"        name: web", "        name: \"{{ .Env.NAME }}\""},
		{"        restartPolicy: Always", "        restartPolicy: \"{{ .Env.AGAIN }}\""},
	};
	static const struct wrong still[] = {
		{"          command: [sh, -c]", "          command: \"{{ .Env.COMMAND }}\"", 0, 20,
			"workload.play.templates[0].spec.containers[0].command", "must be a list",
			"write a list", NONE},
	};
	CHECK_WRONG(PODS, rows);
	CHECK_WRONG(TEMPLATES, still);
	CHECK_RIGHT_LINES(TEMPLATES, right);
}
