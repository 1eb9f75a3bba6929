// SPDX-License-Identifier: Apache-2.0
//
// $SYS.REQ.USER.INFO: tells a client, in any account, who it is and what it may do. Source: nats-server 2.10.
#pragma once

#include "core/core.h"

void user_info_start(struct rill_core *core);
void user_info_stop(struct rill_core *core);
