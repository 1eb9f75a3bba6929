// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Memory of this process that is resident, in millions of bytes; 0 when nobody says. */
double resident_mb(void);
