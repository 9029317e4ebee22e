/* SPDX-License-Identifier: MIT */
/* protocol_examples_common.h -
 * examples/common_components/protocol_examples_common/include/protocol_examples_common.h of
 * ESP-IDF 5.3. */
#include "esp_err.h"
esp_err_t example_connect(void);
