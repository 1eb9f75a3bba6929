// SPDX-License-Identifier: Apache-2.0
//
// A disk in memory that loses power. What was written and not synced may be there afterwards or not, sector
// by sector; so may each change of a folder that was not synced. Which, is drawn from the seed. Everything
// else is as on a disk.
//
// A crash stops the disk: every operation fails with IO until the restart (closing works, so that a store can
// be taken apart). Locks and open files do not survive. One thread at a time.
#pragma once

#include "storage/disk.h"

enum { SIM_SECTOR_BYTES = 512 };

struct rill_disk *sim_disk_create(uint64_t seed);
void sim_disk_destroy(struct rill_disk *disk);

/* Operations so far; closing does not count. */
uint64_t sim_disk_operations(const struct rill_disk *disk);
/* The power goes in the middle of the n-th operation counted from now (1 is the next): what that one writes
   is as uncertain as all that is not synced, and what it syncs is not. 0 for never. */
void sim_disk_crash_at(struct rill_disk *disk, uint64_t operation);
/* The power goes now. */
void sim_disk_crash(struct rill_disk *disk);
bool sim_disk_is_off(const struct rill_disk *disk);
/* Power is back: the disk has what survived. All files must have been closed. */
void sim_disk_restart(struct rill_disk *disk);
/* The machine went on and only the process was killed: everything that was written is there, synced or not. */
void sim_disk_restart_killed(struct rill_disk *disk);

/* Bytes that all files together may have; NO_SPACE above. 0 for no limit. */
void sim_disk_set_capacity(struct rill_disk *disk, uint64_t bytes);
uint64_t sim_disk_used(const struct rill_disk *disk);

/* A file's bytes, to look at and to damage; NULL when there is none. Valid until the next operation. *ret_len
   may be less than the file's size: the rest is zeros. Call with everything synced, else the damage may not
   survive a crash. */
uint8_t *sim_disk_bytes(struct rill_disk *disk, const char *path, size_t *ret_len);
/* A disk with the same files, everything synced, nothing open. */
struct rill_disk *sim_disk_clone(const struct rill_disk *disk, uint64_t seed);
