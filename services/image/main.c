/* SPDX-License-Identifier: Apache-2.0 */
#include "services/image/image.h"

int main(void)
{
	return hpl_service_main(&hpl_image_def, NULL);
}
