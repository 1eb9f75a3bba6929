// SPDX-License-Identifier: Apache-2.0
//
// The table of the options of rilld. A row is
//
//     X(name, type, default, unit, reload, flags, keys, description)
//
//   name         the field of struct rill_options, with its unit last
//   type         bool, text, texts (a list), count (0 or more), limit (-1 is none), bytes, duration
//   (nanoseconds), sync
//                (a duration, 0 is "always"), port (-1 lets the kernel choose, 0 is the default or off)
//   unit         for people, in the reference
//   reload       RELOAD: SIGHUP changes it; RESTART: it does not, and the log says so
//   flags        names of command line flags, without dashes, separated by blanks; "" for none
//   keys         names in the configuration file, the first one is preferred; a dot enters a block; "" for
//   none
//
// A number 0 means the default, as in NATS, except in the JetStream section. To add an option: add a row, run
// `ninja docs-configuration`, and use the field.
#pragma once

#define RILL_KIB INT64_C(1024)
#define RILL_MIB (1024 * RILL_KIB)
#define RILL_SEC INT64_C(1000000000)

#define RILL_OPTIONS_NETWORK(X)                                                                              \
    X(host, text, "0.0.0.0", "host", RESTART, "a addr net", "host net",                                      \
      "The address that clients connect to. `::` is every address, IPv4 and IPv6.")                          \
    X(port, port, 4222, "", RESTART, "p port", "port",                                                       \
      "The TCP port that clients connect to. -1 lets the system choose a free one.")                         \
    X(unix_path, text, NULL, "path", RESTART, "unix", "unix",                                                \
      "Also listen on a UNIX socket at this path. An `@` in front makes it an abstract one.")                \
    X(client_advertise, text, NULL, "host[:port]", RELOAD, "client_advertise", "client_advertise",           \
      "The address that clients are told to connect to, when it differs from the one listened on.")          \
    X(server_name, text, NULL, "name", RESTART, "n name server_name", "server_name",                         \
      "The name of this server in INFO and in monitoring. Without one its id is used.")                      \
    X(server_tags, texts, NULL, "", RELOAD, "", "server_tags", "Free words that describe this server.")      \
    X(pid_file, text, NULL, "path", RESTART, "P pid", "pid_file pidfile",                                    \
      "Write the process id to this file.")                                                                  \
    X(ports_file_dir, text, NULL, "path", RESTART, "ports_file_dir", "ports_file_dir",                       \
      "Write the ports listened on to `rilld_<pid>.ports` in this folder, as JSON.")

#define RILL_OPTIONS_LIMITS(X)                                                                               \
    X(connections_max, limit, 65536, "connections", RELOAD, "", "max_connections",                           \
      "Connections at one time. -1 is no limit.")                                                            \
    X(subscriptions_max, limit, 0, "subscriptions", RELOAD, "", "max_subscriptions max_subs",                \
      "Subscriptions of one connection. 0 or -1 is no limit.")                                               \
    X(subject_tokens_max, count, 0, "tokens", RELOAD, "", "max_sub_tokens",                                  \
      "Tokens of a subject that is subscribed to, at most 255. 0 is no limit.")                              \
    X(control_line_bytes_max, bytes, 4 * RILL_KIB, "bytes", RELOAD, "", "max_control_line",                  \
      "The length of a protocol line. A longer one closes the connection.")                                  \
    X(payload_bytes_max, bytes, RILL_MIB, "bytes", RELOAD, "", "max_payload",                                \
      "The size of a message. A larger one closes the connection.")                                          \
    X(pending_bytes_max, bytes, 64 * RILL_MIB, "bytes", RELOAD, "", "max_pending",                           \
      "What may wait to be sent to one connection before it counts as a slow consumer and is closed.")       \
    X(ping_interval_ns, duration, 120 * RILL_SEC, "duration", RELOAD, "", "ping_interval",                   \
      "How often an idle client is asked whether it is still there.")                                        \
    X(ping_max, count, 2, "pings", RELOAD, "", "ping_max",                                                   \
      "Unanswered pings before a connection is stale and closed.")                                           \
    X(write_deadline_ns, duration, 10 * RILL_SEC, "duration", RELOAD, "", "write_deadline",                  \
      "How long a connection may take nothing of what waits for it before it is closed.")                    \
    X(lame_duck_duration_ns, duration, 120 * RILL_SEC, "duration", RELOAD, "", "lame_duck_duration",         \
      "In lame duck mode: over how long the clients are closed, one after the other. At least 30s.")         \
    X(lame_duck_grace_ns, duration, 10 * RILL_SEC, "duration", RELOAD, "", "lame_duck_grace_period",         \
      "In lame duck mode: how long to wait before the first client is closed.")                              \
    X(closed_clients_max, limit, 10000, "connections", RELOAD, "", "max_closed_clients",                     \
      "Closed connections that `/connz?state=closed` remembers.")                                            \
    X(no_header_support, bool, false, "", RESTART, "", "no_header_support", "Switch message headers off.")   \
    X(no_fast_producer_stall, bool, false, "", RELOAD, "", "no_fast_producer_stall",                         \
      "Do not slow a publisher down when a subscriber cannot follow.")                                       \
    X(no_interest_cache, bool, false, "", RELOAD, "", "disable_sublist_cache",                               \
      "Do not remember which subscriptions match a subject.")

#define RILL_OPTIONS_MONITORING(X)                                                                           \
    X(http_host, text, NULL, "", RESTART, "", "",                                                            \
      "The address of the monitoring pages; that of the clients when it is not given.")                      \
    X(http_port, port, 0, "", RESTART, "m http_port", "http_port monitor_port",                              \
      "The HTTP port of the monitoring pages. -1 lets the system choose, 0 is off.")                         \
    X(http_base_path, text, "/", "path", RESTART, "", "http_base_path",                                      \
      "Put in front of the path of each monitoring page.")

#define RILL_OPTIONS_LOGGING(X)                                                                              \
    X(debug, bool, false, "", RELOAD, "D debug", "debug", "Log what helps to find a fault.")                 \
    X(trace, bool, false, "", RELOAD, "V trace", "trace", "Log each line of the protocol.")                  \
    X(trace_verbose, bool, false, "", RELOAD, "VV", "trace_verbose",                                         \
      "Log each line of the protocol, and of the system account too.")                                       \
    X(log_time, bool, true, "", RELOAD, "T logtime", "logtime", "Begin each log line with the time.")        \
    X(log_time_utc, bool, false, "", RELOAD, "logtime_utc", "logtime_utc", "Write the time as UTC.")         \
    X(log_file, text, NULL, "path", RELOAD, "l log", "log_file logfile",                                     \
      "Write the log to this file instead of standard error.")                                               \
    X(log_bytes_max, bytes, 0, "bytes", RELOAD, "log_size_limit", "logfile_size_limit log_size_limit",       \
      "Begin a new log file when this one is so large. 0 is never.")                                         \
    X(log_files_max, count, 0, "files", RELOAD, "", "logfile_max_num log_max_num",                           \
      "Old log files to keep. 0 keeps all.")                                                                 \
    X(traced_bytes_max, count, 0, "bytes", RELOAD, "max_traced_msg_len", "max_traced_msg_len",               \
      "How much of a payload the trace shows. 0 is all of it.")

#define RILL_OPTIONS_AUTHORIZATION(X)                                                                        \
    X(auth_user, text, NULL, "user", RELOAD, "user", "authorization.user authorization.username",            \
      "The one user that may connect.")                                                                      \
    X(auth_password, text, NULL, "password", RELOAD, "pass", "authorization.password authorization.pass",    \
      "The password of that user, plain or as a bcrypt hash.")                                               \
    X(auth_token, text, NULL, "token", RELOAD, "auth", "authorization.token",                                \
      "The token that clients must show, plain or as a bcrypt hash.")                                        \
    X(auth_timeout_ns, duration, 2 * RILL_SEC, "duration", RELOAD, "", "authorization.timeout",              \
      "How long a client may take to say who it is.")                                                        \
    X(no_auth_user, text, NULL, "user", RELOAD, "", "no_auth_user",                                          \
      "The user that a client is when it does not say who it is.")                                           \
    X(system_account, text, "$SYS", "", RESTART, "", "system_account system",                                \
      "The account of the server's own messages. Only `$SYS` for now.")

#define RILL_OPTIONS_JETSTREAM(X)                                                                            \
    X(jetstream, bool, false, "", RESTART, "js jetstream", "jetstream.enabled jetstream.enable",             \
      "Offer streams. A `jetstream { }` block switches them on, too.")                                       \
    X(jetstream_store_dir, text, NULL, "path", RESTART, "sd store_dir",                                      \
      "jetstream.store_dir jetstream.storedir store_dir storedir",                                           \
      "The folder in which streams are kept. Without one a temporary folder is used, with a warning.")       \
    X(jetstream_sync_ns, sync, 0, "duration or `always`", RESTART, "",                                       \
      "jetstream.sync_interval jetstream.sync",                                                              \
      "`always`: a message is acknowledged when it is on the disk. With a time it is acknowledged before, "  \
      "and files are synced so often: a power cut may take what came since. See docs/OPERATIONS.md.")        \
    X(jetstream_strict, bool, true, "", RESTART, "", "jetstream.strict",                                     \
      "Refuse requests that have fields the server does not know.")                                          \
    X(jetstream_domain, text, NULL, "name", RESTART, "", "jetstream.domain",                                 \
      "A name by which clients reach this server's streams at `$JS.<name>.API.>` too.")                      \
    X(jetstream_memory_bytes_max, bytes, 0, "bytes", RESTART, "",                                            \
      "jetstream.max_memory_store jetstream.max_mem_store jetstream.max_mem",                                \
      "What all streams in memory may take. 0: three quarters of the machine's memory.")                     \
    X(jetstream_file_bytes_max, bytes, 0, "bytes", RESTART, "",                                              \
      "jetstream.max_file_store jetstream.max_file",                                                         \
      "What all streams in files may take. 0: three quarters of what the disk has for them, that is, its "   \
      "free room at the start and what they take already.")                                                  \
    X(jetstream_buffered_messages_max, count, 0, "messages", RESTART, "", "jetstream.max_buffered_msgs",     \
      "Messages of one stream that wait to be written; further ones are refused with 429. 0 is no limit.")   \
    X(jetstream_buffered_bytes_max, bytes, 0, "bytes", RESTART, "", "jetstream.max_buffered_size",           \
      "The same in bytes. There are never more than 8 MiB.")                                                 \
    X(jetstream_requests_max, count, 1024, "requests", RESTART, "", "jetstream.request_queue_limit",         \
      "API requests that may wait for their stream: in the first moments, and while it is made or removed.") \
    X(jetstream_ack_pending_max, limit, 0, "messages", RESTART, "", "jetstream.limits.max_ack_pending",      \
      "The highest max_ack_pending of a consumer. 0 or -1 is no limit.")                                     \
    X(jetstream_request_batch_max, limit, 0, "messages", RESTART, "", "jetstream.limits.max_request_batch",  \
      "The highest max_batch of a consumer. 0 or -1 is no limit.")                                           \
    X(jetstream_duplicate_window_ns_max, duration, 0, "duration", RESTART, "",                               \
      "jetstream.limits.duplicate_window", "The longest duplicate_window of a stream. 0 is no limit.")

#define RILL_OPTIONS_WEBSOCKET(X)                                                                            \
    X(websocket_host, text, NULL, "", RESTART, "", "websocket.host websocket.net",                           \
      "The address for WebSocket clients; every address when it is not given.")                              \
    X(websocket_port, port, 0, "", RESTART, "", "websocket.port",                                            \
      "The port for WebSocket clients. -1 lets the system choose, 0 is off.")                                \
    X(websocket_no_tls, bool, false, "", RESTART, "", "websocket.no_tls",                                    \
      "Accept `ws://` without TLS. Needed for now, there is no TLS yet.")                                    \
    X(websocket_handshake_timeout_ns, duration, 2 * RILL_SEC, "duration", RELOAD, "",                        \
      "websocket.handshake_timeout", "How long a client may take to upgrade to WebSocket.")

/* The sections of the table, in the order of the reference: Y(macro, title, what it is about). */
#define RILL_OPTION_SECTIONS(Y)                                                                              \
    Y(NETWORK, "Network and files", "Where clients find the server, and what it writes about itself.")       \
    Y(LIMITS, "Limits and times", "What one client may take from the others.")                               \
    Y(MONITORING, "Monitoring", "Pages over HTTP about the state of the server.")                            \
    Y(LOGGING, "Logging", "What is written, and where to.")                                                  \
    Y(AUTHORIZATION, "Authorization", "Who may connect, and what they may do.")                              \
    Y(JETSTREAM, "JetStream", "Streams that are kept on disk or in memory.")                                 \
    Y(WEBSOCKET, "WebSocket", "Clients in browsers.")

#define RILL_OPTION_TABLE(X)                                                                                 \
    RILL_OPTIONS_NETWORK(X)                                                                                  \
    RILL_OPTIONS_LIMITS(X)                                                                                   \
    RILL_OPTIONS_MONITORING(X)                                                                               \
    RILL_OPTIONS_LOGGING(X)                                                                                  \
    RILL_OPTIONS_AUTHORIZATION(X)                                                                            \
    RILL_OPTIONS_JETSTREAM(X)                                                                                \
    RILL_OPTIONS_WEBSOCKET(X)
