// SPDX-License-Identifier: Apache-2.0
#include "services/bootloader/console.h"
#include "services/bootloader/devices.h"
#include "services/bootloader/evidence.h"
#include "services/bootloader/image.h"
#include "services/bootloader/machine.h"
#include "services/bootloader/rootdisk.h"
#include "services/bootloader/tests/util.h"

#include <libcryptsetup.h>

#include "proto/messages.h"

TestSuite(boot, .init = dir_make, .fini = dir_remove);

/* --- console --- */

static const char *console_text(void (*say)(int fd))
{
	static struct hpl_buf b;
	int fd = open(at("console"), O_CREAT | O_RDWR | O_TRUNC, 0600);

	say(fd);
	close(fd);
	b = get_file("console");
	return b.data;
}
static void say_all(int fd)
{
	hpl_console_build(fd, "25.11.0", "25.10.0");
	hpl_console_date(fd, 1772545990);
	hpl_console_step(fd, "create new root partition...");
	hpl_console_line(fd, "%d token decrypted, %d encrypted token ignored", 3, 0);
	hpl_console_message(fd, HPL_MSG_BOOTLOADER_BOOTLOADER_END, NULL);
}
Test(boot, console_lines_are_the_known_ones)
{
	cr_assert_str_eq(console_text(say_all), "# HPL11 build:25.11.0 enabler:25.10.0\n"
						"# Tue Mar  3 13:53:10 UTC 2026\n"
						"# create new root partition...\n"
						"3 token decrypted, 0 encrypted token ignored\n"
						"# HPL11099I: bootloader end\n");
}
static void say_failure(int fd)
{
	struct hpl_err err = HPL_ERR_NULL;

	hpl_err_set(&err, "f", HPL_MSG_BOOTLOADER_INVALID_CONTRACT, 0, "a\nb");
	hpl_err_place(&err, "user-data:1:2");
	hpl_err_cure(&err, "mend it");
	hpl_console_failure(fd, &err);
}
Test(boot, a_failure_is_one_line_and_boot_aborted)
{
	const char *text = console_text(say_failure);
	char want[512];

	snprintf(want, sizeof(want), "# HPL11001E: %s -> user-data:1:2: a\\nb (mend it)\nBoot aborted\n",
		hpl_msg_info(HPL_MSG_BOOTLOADER_INVALID_CONTRACT)->text);
	cr_assert_str_eq(text, want);
}

/* --- image.yaml --- */

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
static const char image[] = "build: \"26.11.0\"\nenabler: 26.11.0\ncreated: 1800000000\nroot_sha256: " HEX
			    "\nbaseimage_sha256: " HEX "\nsbom_sha256: \"" HEX "\"\nprofile: hpvs\n"
			    "min_memory_mb: 4096\nmore: x\n";
Test(boot, image_yaml_is_read_and_every_key_is_needed)
{
	struct hpl_image im;
	struct hpl_err err = HPL_ERR_NULL;
	char text[1024];

	cr_assert_eq(hpl_image_parse(&im, image, strlen(image), &err), 0, "%s", err.text);
	cr_assert_str_eq(im.build, "26.11.0");
	cr_assert_str_eq(im.profile, "hpvs");
	cr_assert_str_eq(im.root_sha256, HEX);
	cr_assert_eq(im.created, 1800000000);
	cr_assert_eq(im.min_memory_mb, 4096);
	static const char *const keys[] = {"build", "enabler", "created", "root_sha256",
		"baseimage_sha256", "sbom_sha256", "profile", "min_memory_mb"};
	for (size_t i = 0; i < HPL_ARRAY_SIZE(keys); i++) {
		strcpy(text, image);
		char *p = i ? strstr(text, keys[i]) : text;
		*p = 'x';
		cr_assert_eq(hpl_image_parse(&im, text, strlen(text), &err), -1, "%s", keys[i]);
	}
	static const char bad[] = "profile: ../../x\n";
	cr_assert_eq(hpl_image_parse(&im, bad, strlen(bad), &err), -1);
}

/* --- machine --- */

Test(boot, memory_is_counted_in_blocks_or_estimated)
{
	struct hpl_err err = HPL_ERR_NULL;
	int64_t mb = 0;

	RUN("/bin/mkdir", "-p", "mem");
	put_text("mem/block_size_bytes", "8000000\n");
	for (int i = 0; i < 33; i++) {
		char name[64];
		snprintf(name, sizeof(name), "mem/memory%d", i);
		mkdir(at(name), 0755);
		strcat(name, "/state");
		put_text(name, i == 32 ? "offline\n" : "online\n");
	}
	put_text("meminfo", "MemTotal:        4018136 kB\nMemFree: 1 kB\n");
	cr_assert_eq(hpl_machine_memory_mb(&mb, at("mem"), at("meminfo"), &err), 0);
	cr_assert_eq(mb, 4096);
	cr_assert_eq(hpl_machine_memory_mb(&mb, at("nothing"), at("meminfo"), &err), 0);
	cr_assert_geq(mb, 4096, "%lld", (long long)mb);
	put_text("meminfo", "MemTotal:        3500000 kB\n");
	cr_assert_eq(hpl_machine_memory_mb(&mb, at("nothing"), at("meminfo"), &err), 0);
	cr_assert_lt(mb, 4096);
	put_text("meminfo", "nonsense\n");
	cr_assert_eq(hpl_machine_memory_mb(&mb, at("nothing"), at("meminfo"), &err), -1);
}

Test(boot, identity_of_an_ibm_z_machine)
{
	char id[64];

	cr_assert_eq(hpl_machine_identity(id, sizeof(id),
			     "Manufacturer:         IBM\nType:                 8562\nModel:  T02\n"
			     "Sequence Code:        000000000004C598\nPlant:                02\nVM00: x\n"), 0);
	cr_assert_str_eq(id, "8562/02/4C598");
	cr_assert_eq(hpl_machine_identity(id, sizeof(id), "Type: 1\n"), 1);
	cr_assert_eq(hpl_machine_identity(id, sizeof(id), ""), 1);
}

/* --- devices --- */

static struct hpl_devices fake_devices(const char *const *lines)
{
	/* "name partname" with a partition below its disk, as sysfs has it */
	struct hpl_devices d;
	struct hpl_err err = HPL_ERR_NULL;
	char path[128], text[128], link[128];

	RUN("/bin/rm", "-rf", "sys");
	RUN("/bin/mkdir", "-p", "sys/class/block");
	for (; *lines; lines++) {
		char name[32], disk[32] = "", part[40] = "";
		sscanf(*lines, "%31s %31s %39s", name, disk, part);
		snprintf(path, sizeof(path), "sys/block/%s%s%s", disk, disk[0] ? "/" : "", name);
		RUN("/bin/mkdir", "-p", path);
		snprintf(link, sizeof(link), "../../block/%s%s%s", disk, disk[0] ? "/" : "", name);
		snprintf(text, sizeof(text), "sys/class/block/%s", name);
		cr_assert_eq(symlink(link, at(text)), 0);
		strcat(path, "/uevent");
		if (disk[0])
			snprintf(text, sizeof(text), "MAJOR=1\nDEVTYPE=partition\nPARTN=%c\nPARTNAME=%s\n",
				name[strlen(name) - 1], part);
		else
			snprintf(text, sizeof(text), "MAJOR=1\nDEVTYPE=disk\n");
		put_text(path, text);
	}
	cr_assert_eq(hpl_devices_list(&d, at("sys/class/block"), &err), 0, "%s", err.text);
	return d;
}

Test(boot, the_boot_disk_is_the_one_with_the_partition_and_two_are_refused)
{
	const struct hpl_device *boot = NULL;
	struct hpl_err err = HPL_ERR_NULL;
	struct hpl_devices d = fake_devices((const char *const[]){"vda", "vda1 vda hpl-boot",
		"vda2 vda hpl-root", "vdb", "loop0", "dm-0", NULL});

	cr_assert_eq(d.count, 4);
	cr_assert_eq(hpl_devices_boot(&boot, &d, &err), 0);
	cr_assert_str_eq(boot->name, "vda1");
	cr_assert_str_eq(boot->parent, "vda");
	cr_assert_eq(boot->number, 1);
	d = fake_devices((const char *const[]){"vda", "vda1 vda other", NULL});
	cr_assert_eq(hpl_devices_boot(&boot, &d, &err), 1);
	d = fake_devices((const char *const[]){"vda", "vda1 vda hpl-boot", "vdb", "vdb1 vdb hpl-boot",
		NULL});
	cr_assert_eq(hpl_devices_boot(&boot, &d, &err), -1);
}

Test(boot, of_several_cidata_devices_the_first_counts)
{
	struct hpl_devices d = fake_devices((const char *const[]){"vdaa", "vdb", "vdc", "sr0",
		"vda", "vda1 vda x", NULL});
	size_t extra = 9;

	static const char *const order[] = {"sr0", "vda", "vdb", "vdc", "vdaa", "vda1"};
	for (size_t i = 0; i < 6; i++)
		cr_assert_str_eq(d.list[i].name, order[i]);
	enum hpl_cidata_type none[6] = {0}, two[6] = {[3] = HPL_CIDATA_ISO9660, [4] = HPL_CIDATA_ISO9660},
			     mixed[6] = {[1] = HPL_CIDATA_VFAT, [4] = HPL_CIDATA_ISO9660,
				     [5] = HPL_CIDATA_ISO9660},
			     part[6] = {[4] = HPL_CIDATA_VFAT, [5] = HPL_CIDATA_ISO9660};
	cr_assert_null(hpl_devices_cidata(&d, none, &extra));
	cr_assert_eq(extra, 0);
	cr_assert_str_eq(hpl_devices_cidata(&d, two, &extra)->name, "vdc");
	cr_assert_eq(extra, 1);
	cr_assert_str_eq(hpl_devices_cidata(&d, mixed, &extra)->name, "vdaa");
	cr_assert_eq(extra, 2);
	cr_assert_str_eq(hpl_devices_cidata(&d, part, &extra)->name, "vdaa");
}

Test(boot, images_are_probed_for_the_label)
{
	RUN("/bin/mkdir", "files");
	put_text("files/user-data", "x");
	RUN("/usr/bin/genisoimage", "-quiet", "-o", "a.iso", "-volid", "cidata", "-joliet", "-rock", "files");
	RUN("/usr/bin/genisoimage", "-quiet", "-o", "b.iso", "-volid", "other", "files");
	RUN("/usr/bin/truncate", "-s", "1M", "c.img");
	cr_assert_eq(hpl_device_probe(at("a.iso")), HPL_CIDATA_ISO9660);
	cr_assert_eq(hpl_device_probe(at("b.iso")), HPL_CIDATA_NONE);
	cr_assert_eq(hpl_device_probe(at("c.img")), HPL_CIDATA_NONE);
	cr_assert_eq(hpl_device_probe(at("missing")), HPL_CIDATA_NONE);
}

/* --- cidata --- */

static int read_cidata(struct hpl_cidata *c, struct hpl_err *err)
{
	int fd = open(at("cd"), O_RDONLY | O_DIRECTORY), r = hpl_cidata_read(c, fd, err);

	close(fd);
	return r;
}

Test(cidata, network_config_says_which_modules_are_wanted)
{
	static const struct {
		const char *text;
		bool vlans, bonds;
	} cases[] = {
		{"network: {ethernets: {enc8: {dhcp4: true}}}\n", false, false},
		{"network: {vlans: {v5: {id: 5, link: enc8}}}\n", true, false},
		{"network: {vlans: {}, bonds: {b0: {interfaces: [enc8]}}}\n", false, true},
		{"network: {vlans: [v5], bonds: yes}\n", false, false},
		{"vlans: {v5: {}}\n", false, false},
		{"network: [\n", false, false},
		{"", false, false},
	};

	for (size_t i = 0; i < HPL_ARRAY_SIZE(cases); i++) {
		struct hpl_cidata c = {.has_network_config = 1};

		hpl_buf_str(&c.network_config, cases[i].text);
		cr_expect_eq(hpl_cidata_wants(&c, "vlans"), cases[i].vlans, "%s", cases[i].text);
		cr_expect_eq(hpl_cidata_wants(&c, "bonds"), cases[i].bonds, "%s", cases[i].text);
		c.has_network_config = 0;
		cr_expect(!hpl_cidata_wants(&c, "bonds"));
		hpl_cidata_done(&c);
	}
}

Test(boot, cidata_files_are_read_and_missing_ones_are_empty)
{
	struct hpl_cidata c;
	struct hpl_err err = HPL_ERR_NULL;

	mkdir(at("cd"), 0755);
	cr_assert_eq(read_cidata(&c, &err), -1);
	cr_assert_eq(err.msg, HPL_MSG_BOOTLOADER_INVALID_CONTRACT);
	cr_assert(strstr(err.text, "user-data"));
	put_text("cd/user-data", "u");
	cr_assert_eq(read_cidata(&c, &err), 0);
	cr_assert_eq(c.user_data.len, 1);
	cr_assert_eq(c.meta_data.len + c.vendor_data.len, 0);
	cr_assert_eq(c.has_network_config, 0);
	hpl_cidata_done(&c);
	put_text("cd/meta-data", "m");
	put_text("cd/vendor-data", "v");
	put_text("cd/network-config", "");
	cr_assert_eq(read_cidata(&c, &err), 0);
	cr_assert_str_eq(c.meta_data.data, "m");
	cr_assert_str_eq(c.vendor_data.data, "v");
	cr_assert_eq(c.has_network_config, 1);
	hpl_cidata_done(&c);
}

Test(boot, cidata_links_directories_and_large_files_are_refused)
{
	struct hpl_cidata c;
	struct hpl_err err = HPL_ERR_NULL;

	mkdir(at("cd"), 0755);
	put_text("secret", "s");
	cr_assert_eq(symlink("../secret", at("cd/user-data")), 0);
	cr_assert_eq(read_cidata(&c, &err), -1);
	unlink(at("cd/user-data"));
	cr_assert_eq(mkfifo(at("cd/user-data"), 0600), 0);
	cr_assert_eq(read_cidata(&c, &err), -1);
	unlink(at("cd/user-data"));
	mkdir(at("cd/user-data"), 0755);
	cr_assert_eq(read_cidata(&c, &err), -1);
	rmdir(at("cd/user-data"));
	RUN("/usr/bin/truncate", "-s", "16777217", "cd/user-data");
	cr_assert_eq(read_cidata(&c, &err), -1);
	RUN("/usr/bin/truncate", "-s", "16777216", "cd/user-data");
	cr_assert_eq(read_cidata(&c, &err), 0);
	hpl_cidata_done(&c);
	RUN("/usr/bin/truncate", "-s", "1048577", "cd/meta-data");
	cr_assert_eq(read_cidata(&c, &err), -1);
}

/* --- root disk, on a file --- */

static void make_disk(const char *mb, const char *script)
{
	RUN("/bin/rm", "-f", "disk");
	RUN("/usr/bin/truncate", "-s", mb, "disk");
	RUN_IN(script, strlen(script), "/sbin/sfdisk", "-q", "disk");
}

Test(boot, the_root_partition_takes_the_free_space_and_the_old_one_goes)
{
	struct hpl_err err = HPL_ERR_NULL;
	int n = 0;

	make_disk("1G", "label: gpt\nstart=2048, size=204800, name=\"hpl-boot\"\n");
	RUN("/usr/bin/truncate", "-s", "4G", "disk"); /* the user made the disk larger */
	cr_assert_eq(hpl_rootdisk_find_old(&n, at("disk"), &err), 1);
	cr_assert_eq(hpl_rootdisk_partition(&n, at("disk"), &err), 0, "%s", err.text);
	cr_assert_eq(n, 2);
	const char *dump = RUN("/sbin/sfdisk", "-d", "disk");
	cr_assert(strstr(dump, "name=\"hpl-boot\""));
	cr_assert(strstr(dump, "start=      206848, size=     8179712"), "%s", dump);
	cr_assert(strstr(RUN("/sbin/sfdisk", "-V", "disk"), "No errors detected"));
	cr_assert_eq(hpl_rootdisk_find_old(&n, at("disk"), &err), 0);
	cr_assert_eq(n, 2);
	cr_assert_eq(hpl_rootdisk_partition(&n, at("disk"), &err), 0, "%s", err.text);
	dump = RUN("/sbin/sfdisk", "-d", "disk");
	char *first = strstr(dump, "hpl-root");
	cr_assert(first && !strstr(first + 1, "hpl-root"), "%s", dump);
}

Test(boot, other_partitions_are_left_alone_and_a_full_or_foreign_disk_is_refused)
{
	struct hpl_err err = HPL_ERR_NULL;
	int n = 0;

	make_disk("300M", "label: gpt\nstart=2048, size=204800, name=\"hpl-boot\"\n");
	cr_assert_eq(hpl_rootdisk_partition(&n, at("disk"), &err), -1);
	cr_assert(strstr(err.text, "MiB free"), "%s", err.text);
	make_disk("1G", "label: gpt\nsize=200M, name=\"hpl-boot\"\nsize=50M, name=\"mine\"\n");
	cr_assert_eq(hpl_rootdisk_partition(&n, at("disk"), &err), 0, "%s", err.text);
	cr_assert_eq(n, 3);
	cr_assert(strstr(RUN("/sbin/sfdisk", "-d", "disk"), "name=\"mine\""));
	make_disk("1G", "label: dos\nsize=200M\n");
	cr_assert_eq(hpl_rootdisk_partition(&n, at("disk"), &err), -1);
	cr_assert(strstr(err.text, "GUID"), "%s", err.text);
}

Test(boot, the_luks_header_has_the_parameters_and_opens_with_its_passphrase_only)
{
	_cleanup_secret_ struct hpl_secret pass = HPL_SECRET_NULL, other = HPL_SECRET_NULL;
	struct hpl_err err = HPL_ERR_NULL;
	struct crypt_device *cd = NULL;
	char uuid[37] = "";

	RUN("/usr/bin/truncate", "-s", "64M", "luks");
	cr_assert_eq(hpl_rootdisk_passphrase(&pass, &err), 0);
	cr_assert_eq(hpl_rootdisk_passphrase(&other, &err), 0);
	cr_assert_eq(pass.len, 64);
	cr_assert_neq(memcmp(pass.data, other.data, 64), 0);
	cr_assert_eq(hpl_rootdisk_format(at("luks"), &pass, uuid, &err), 0, "%s", err.text);
	cr_assert_eq(crypt_init(&cd, at("luks")), 0);
	cr_assert_eq(crypt_load(cd, CRYPT_LUKS2, NULL), 0);
	cr_assert_str_eq(crypt_get_uuid(cd), uuid);
	cr_assert_str_eq(crypt_get_cipher(cd), "aes");
	cr_assert_str_eq(crypt_get_cipher_mode(cd), "xts-plain64");
	cr_assert_eq(crypt_get_volume_key_size(cd), 64);
	cr_assert_eq(crypt_get_sector_size(cd), 4096);
	int used = 0;
	for (int i = 0; i < 32; i++)
		used += crypt_keyslot_status(cd, i) >= CRYPT_SLOT_ACTIVE;
	cr_assert_eq(used, 1);
	cr_assert_eq(crypt_activate_by_passphrase(cd, NULL, 0, (char *)pass.data, pass.len, 0), 0);
	cr_assert_lt(crypt_activate_by_passphrase(cd, NULL, 0, (char *)other.data, other.len, 0), 0);
	crypt_free(cd);
}

Test(boot, the_file_system_has_no_journal)
{
	struct hpl_err err = HPL_ERR_NULL;

	RUN("/usr/bin/truncate", "-s", "64M", "fs");
	cr_assert_eq(hpl_rootdisk_mkfs(at("fs"), &err), 0, "%s", err.text);
	const char *out = RUN("/sbin/dumpe2fs", "-h", "fs");
	cr_assert(strstr(out, "extent"), "%s", out);
	cr_assert_null(strstr(out, "has_journal"));
	cr_assert_eq(hpl_rootdisk_mkfs(at("missing/fs"), &err), -1);
}
