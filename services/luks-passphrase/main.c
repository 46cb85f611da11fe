/* SPDX-License-Identifier: Apache-2.0 */
#include "services/luks-passphrase/luks_passphrase.h"

int main(void)
{
	static struct hpl_luks_passphrase state;

	return hpl_service_main(&hpl_luks_passphrase_def, &state);
}
