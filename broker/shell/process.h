// SPDX-License-Identifier: Apache-2.0
//
// Facts about this process, and what it asks of the kernel at its start. Loop thread only.
#pragma once

#include "base/clock.h"
#include "core/monitor.h"

struct process_meter {
    int64_t start_wall_ns;
    int64_t sampled_mono_ns; // of the last sample
    int64_t sampled_cpu_ns;
    double cpu_percent; // between the last two samples
};

void process_meter_init(struct process_meter *meter, struct rill_now now);
/* Fills start, resident, cpu and cores. The percentage is of the time since the last call that was at least a
 * second ago. */
void process_meter_read(struct process_meter *meter, struct rill_now now, struct rill_process_facts *facts);

/* Lets the process have as many descriptors as the system allows it. Returns how many that are. */
uint64_t process_raise_descriptor_limit(void);

/* Of the disk that the folder is on, and of the machine; 0 when the system does not say. */
int64_t process_free_bytes(const char *folder);
int64_t process_machine_memory_bytes(void);

/* 56 characters, unique in the world, as NATS' server ids look: "N" and 55 of A-Z2-7. */
void process_make_server_id(char ret_id[57]);
uint64_t process_random_seed(void);

/* Makes the folder with its parents if it is not there, and sees that files can be made in it. */
enum rill_err process_make_folder(const char *path, struct rill_error_text *why) RILL_MUST_CHECK;

/* Writes the process id and a newline. */
enum rill_err process_write_pid_file(const char *path, struct rill_error_text *why) RILL_MUST_CHECK;
