# SPDX-License-Identifier: MIT
# popcl.cmake - the sources of popcl by part, relative to this folder. It sets lists and does nothing else: include it in a build of your own.
# Each source is C99, and compiles with `include`, the folder of BearSSL's headers and, for a port, the port's folder.
# `make update-sources` writes this file.

# the session and the fetch job
set(POPCL_CORE_SOURCES
    src/core/command.c
    src/core/err_advice.c
    src/core/err_cause.c
    src/core/err_name.c
    src/core/err_what.c
    src/core/errors.c
    src/core/fetch.c
    src/core/fetch_choice.c
    src/core/fetch_list.c
    src/core/fetch_login.c
    src/core/fetch_messages.c
    src/core/fetch_utf8.c
    src/core/field.c
    src/core/link_clear.c
    src/core/machine.c
    src/core/plan.c
    src/core/pumps.c
    src/core/reply.c
    src/core/run.c
    src/core/seen.c
    src/core/siphash.c
    src/core/text.c
    src/core/uid.c
    src/core/wire.c
    src/core/zero.c)

# logins
set(POPCL_AUTH_SOURCES
    src/auth/apop.c
    src/auth/base64.c
    src/auth/cram.c
    src/auth/external.c
    src/auth/hmac.c
    src/auth/mechs.c
    src/auth/mechs_all.c
    src/auth/plain.c
    src/auth/refusal.c
    src/auth/sasl.c
    src/auth/saslprep.c
    src/auth/scram.c
    src/auth/scram_plus.c
    src/auth/token.c
    src/auth/userpass.c)

# TLS over BearSSL, certificates, trust
set(POPCL_TLS_SOURCES
    src/tls/blob.c
    src/tls/collect.c
    src/tls/constraints.c
    src/tls/element.c
    src/tls/entry.c
    src/tls/guard.c
    src/tls/key.c
    src/tls/leaf.c
    src/tls/link_tls.c
    src/tls/name.c
    src/tls/pin.c
    src/tls/profile.c
    src/tls/profile_ecdsa.c
    src/tls/profile_host.c
    src/tls/profile_pinned.c
    src/tls/profile_public.c
    src/tls/profile_small.c
    src/tls/resume.c
    src/tls/tofu.c)

# trust anchors from files of certificates, for POSIX
set(POPCL_HOST_SOURCES
    src/host/anchor.c
    src/host/anchor_file.c
    src/host/cert.c
    src/host/chain.c
    src/host/pem.c
    src/host/signer.c
    src/host/trust.c
    src/host/utc.c
    src/host/whole.c)

# the port for POSIX, and its stores
set(POPCL_POSIX_SOURCES
    port/posix/clock.c
    port/posix/descriptors.c
    port/posix/file_calls.c
    port/posix/line_ends.c
    port/posix/lookup.c
    port/posix/mbox_form.c
    port/posix/mbox_lock.c
    port/posix/net.c
    port/posix/process.c
    port/posix/resolve.c
    port/posix/seed.c
    port/posix/socks.c
    port/posix/spool.c
    port/posix/store_dir.c
    port/posix/store_file.c
    port/posix/store_mbox.c
    port/posix/store_names.c
    port/posix/store_pipe.c
    port/posix/store_spooled.c
    port/posix/store_stream.c)

# the same for a system without fork
set(POPCL_POSIX_NO_FORK_SOURCES
    port/posix/clock.c
    port/posix/descriptors.c
    port/posix/file_calls.c
    port/posix/line_ends.c
    port/posix/lookup.c
    port/posix/mbox_form.c
    port/posix/mbox_lock.c
    port/posix/net.c
    port/posix/no_fork/resolve_sync.c
    port/posix/process.c
    port/posix/seed.c
    port/posix/socks.c
    port/posix/spool.c
    port/posix/store_dir.c
    port/posix/store_file.c
    port/posix/store_mbox.c
    port/posix/store_names.c
    port/posix/store_pipe.c
    port/posix/store_spooled.c
    port/posix/store_stream.c)

# the port for lwIP without threads
set(POPCL_LWIP_RAW_SOURCES
    port/lwip/raw.c)

# the port for lwIP and a task
set(POPCL_LWIP_SOCKETS_SOURCES
    port/lwip/sockets.c)

# TLS by Mbed TLS, over another port
set(POPCL_MBEDTLS_SOURCES
    port/mbedtls/net.c)

# the port for Zephyr
set(POPCL_ZEPHYR_SOURCES
    port/zephyr/net.c)

# TLS by esp_tls of ESP-IDF
set(POPCL_ESP_TLS_SOURCES
    port/esp-tls/net.c)

# the port for FreeRTOS+TCP
set(POPCL_FREERTOS_TCP_SOURCES
    port/freertos-tcp/net.c)

# the port for a stack of your own with callbacks
set(POPCL_CALLBACKS_SOURCES
    port/callbacks/net.c)

# the port for modems of Quectel, over AT commands
set(POPCL_QUECTEL_SOURCES
    port/quectel/net.c)

# what both programs share
set(POPCL_COMMON_SOURCES
    src/tools/common/files.c
    src/tools/common/nearest.c
    src/tools/common/number.c
    src/tools/common/pin.c
    src/tools/common/probe.c
    src/tools/common/shellword.c)

# the command popcl
set(POPCL_COMMAND_SOURCES
    src/tools/popcl/accounts.c
    src/tools/popcl/anchors.c
    src/tools/popcl/askcmd.c
    src/tools/popcl/authfile.c
    src/tools/popcl/blobfile.c
    src/tools/popcl/choice.c
    src/tools/popcl/connections.c
    src/tools/popcl/credentials.c
    src/tools/popcl/events.c
    src/tools/popcl/headers.c
    src/tools/popcl/hostname.c
    src/tools/popcl/identity.c
    src/tools/popcl/info.c
    src/tools/popcl/inputs.c
    src/tools/popcl/job.c
    src/tools/popcl/json.c
    src/tools/popcl/login.c
    src/tools/popcl/look.c
    src/tools/popcl/main.c
    src/tools/popcl/mechanism.c
    src/tools/popcl/netrc.c
    src/tools/popcl/optioncompletion.c
    src/tools/popcl/optionhelp.c
    src/tools/popcl/optionrules.c
    src/tools/popcl/options.c
    src/tools/popcl/optionserver.c
    src/tools/popcl/optiontable.c
    src/tools/popcl/outlet.c
    src/tools/popcl/polling.c
    src/tools/popcl/progress.c
    src/tools/popcl/prompt.c
    src/tools/popcl/record.c
    src/tools/popcl/recordfile.c
    src/tools/popcl/recordform.c
    src/tools/popcl/recordshow.c
    src/tools/popcl/report.c
    src/tools/popcl/resume.c
    src/tools/popcl/secretfile.c
    src/tools/popcl/select.c
    src/tools/popcl/sentences.c
    src/tools/popcl/store.c
    src/tools/popcl/system.c
    src/tools/popcl/tls.c
    src/tools/popcl/tofu.c
    src/tools/popcl/url.c
    src/tools/popcl/waiting.c)

# the command popcl-ta
set(POPCL_TA_SOURCES
    src/tools/popcl-ta/blob.c
    src/tools/popcl-ta/blobform.c
    src/tools/popcl-ta/emit.c
    src/tools/popcl-ta/family.c
    src/tools/popcl-ta/input.c
    src/tools/popcl-ta/inspect.c
    src/tools/popcl-ta/keyfile.c
    src/tools/popcl-ta/main.c
    src/tools/popcl-ta/make.c
    src/tools/popcl-ta/options.c
    src/tools/popcl-ta/output.c
    src/tools/popcl-ta/readback.c
    src/tools/popcl-ta/report.c
    src/tools/popcl-ta/select.c
    src/tools/popcl-ta/server.c
    src/tools/popcl-ta/show.c
    src/tools/popcl-ta/sign.c)

# public headers
set(POPCL_HEADERS
    include/popcl.h
    include/popcl_auth.h
    include/popcl_command.h
    include/popcl_config.h
    include/popcl_errors.h
    include/popcl_fetch.h
    include/popcl_net.h
    include/popcl_seen.h)

# public headers that include bearssl.h
set(POPCL_TLS_HEADERS
    include/popcl_blob.h
    include/popcl_tls.h
    include/popcl_tofu.h)

# public headers of HOST
set(POPCL_HOST_HEADERS
    src/host/popcl_posix_trust.h)

# public headers of LWIP_RAW and LWIP_SOCKETS
set(POPCL_LWIP_HEADERS
    port/lwip/popcl_lwip_query.h
    port/lwip/popcl_lwip_raw.h
    port/lwip/popcl_lwip_sockets.h)

# public headers of POSIX
set(POPCL_POSIX_HEADERS
    port/posix/popcl_posix.h
    port/posix/popcl_posix_line_ends.h
    port/posix/popcl_posix_mbox.h
    port/posix/popcl_posix_pipe.h
    port/posix/popcl_posix_store.h)

# public headers of FREERTOS_TCP
set(POPCL_FREERTOS_TCP_HEADERS
    port/freertos-tcp/popcl_freertos_tcp.h)

# public headers of CALLBACKS
set(POPCL_CALLBACKS_HEADERS
    port/callbacks/popcl_callbacks.h)

# public headers of QUECTEL
set(POPCL_QUECTEL_HEADERS
    port/quectel/popcl_quectel.h)
