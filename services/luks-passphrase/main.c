/* SPDX-License-Identifier: Apache-2.0 */
#include "services/luks-passphrase/luks_passphrase.h"

int main(void)
{
	return hpl_service_main(&hpl_luks_passphrase_def, NULL);
}
