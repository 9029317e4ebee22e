/* SPDX-License-Identifier: MIT */
/* popcl_errors.h - every result that popcl can give, in one table. The enum below, the texts of
 * src/core/err_*.c, docs/ERRORS.md and the exit codes of the program `popcl` are made from it. So
 * none of them can disagree.
 *
 * A row is X(NUMBER, NAME, CLASS, what failed, likely cause, what to try). NUMBER never changes,
 * since programs write it into logs and saved state. A new result takes the next free number, even
 * if its row is not the last one. No row is ever removed. CLASS groups results by what a program
 * can do (popcl_err_class). The sentences use the library's names of settings. A program that
 * names its settings differently replaces these names in the sentences. The program `popcl` does so
 * (src/tools/popcl/sentences.c). */
#ifndef POPCL_ERRORS_H
#define POPCL_ERRORS_H

#define POPCL_ERROR_TABLE(X)                                                                       \
    /* results that are no failure */                                                              \
    X(0, OK, DONE, "done", "", "")                                                                 \
    X(1, MORE, DONE, "messages are left for a later session",                                      \
      "the plan or the message limit is used up",                                                  \
      "allow more passes, or give a larger plan; a program that neither deletes nor remembers "    \
      "messages gets the same ones again")                                                         \
    /* settings and calls: start checks most settings before popcl sends anything */               \
    X(2, ERR_ARGUMENT, USAGE, "a required setting is missing or out of range",                     \
      "a field of popcl_config is NULL, zero or outside its documented range",                     \
      "compare the configuration with popcl.h; popcl_bad_field returns the name of the field")     \
    X(3, ERR_HOST, USAGE, "the server's name cannot be used",                                      \
      "the name is empty, longer than 255 bytes, or holds a space, a control character, % or a "   \
      "byte above 127",                                                                            \
      "give a host name or an address; give an international name in its xn-- form")               \
    X(4, ERR_CREDENTIAL_OCTET, CONFIG,                                                             \
      "the user name, password or token is empty, or has a character that it cannot have",         \
      "a line end was read as a part of it, or a token has a space",                               \
      "correct the user name, password or token")                                                  \
    X(5, ERR_COMMAND_LENGTH, CONFIG, "a command would be longer than 255 octets",                  \
      "the user name or password is too long for POP3 (RFC 2449, 4)", "use a shorter password")    \
    X(6, ERR_IOBUF_SMALL, USAGE, "the record buffer is too small",                                 \
      "the buffer is smaller than POPCL_IOBUF_MIN, or with TLS smaller than "                      \
      "POPCL_IOBUF_SIZE(512)",                                                                     \
      "give a buffer of at least 320 bytes, or with TLS of at least 541")                          \
    X(7, ERR_PLAN_SMALL, USAGE, "the plan is too small",                                           \
      "one entry, or the login, does not fit into the plan",                                       \
      "give a plan of at least POPCL_PLAN_MIN bytes, or as many as the mechanisms of the login "   \
      "need (popcl_auth.h)")                                                                       \
    X(8, ERR_NO_TLS, USAGE, "no TLS profile was given",                                            \
      "TLS or STLS is configured, but popcl_config.tls is NULL, or this build has no TLS",         \
      "give a profile (popcl_tls.h); popcl does not send the password in clear text instead")      \
    X(9, ERR_TLS_STORAGE, USAGE, "the TLS storage does not fit the profile",                       \
      "popcl_tls.storage is NULL, not aligned, or of another profile's type",                      \
      "give an object of the profile's own storage type (popcl_tls.h)")                            \
    X(10, ERR_SEED, USAGE, "the random seed cannot be used",                                       \
      "the seed is missing, or all its bytes are equal because the generator does not work",       \
      "give 32 unpredictable bytes, new ones for each session")                                    \
    X(11, ERR_NO_TRUST, USAGE, "there is nothing to trust the server by",                          \
      "neither trust anchors nor pins were given, or the profile `pinned` got no pins",            \
      "give anchors (popcl-ta makes them from a CA bundle) or pins")                               \
    X(12, ERR_CLOCK_UNKNOWN, CERT,                                                                 \
      "the time is not known, and certificates cannot be checked without it",                      \
      "popcl_tls.utc_s is negative, or after the year 9999",                                       \
      "get the time first (NTP, a modem, a saved time that is late enough), or use the profile "   \
      "`pinned`")                                                                                  \
    X(13, ERR_CLOCK_NOT_SET, CERT, "the clock is not set",                                         \
      "the clock shows a time before popcl's release, or before its trust was made",               \
      "set the clock, or give the time (popcl_tls.utc_s); certificates cannot be checked without " \
      "it")                                                                                        \
    X(14, ERR_STATE, USAGE, "a call came out of order",                                            \
      "the job was not started or has ended, or the command is not allowed in this state of the "  \
      "session",                                                                                   \
      "start the job first; popcl.h shows the order of calls")                                     \
    X(15, ERR_REENTRANT, USAGE, "a callback called a function of its own session",                 \
      "only queries are allowed in most callbacks",                                                \
      "set a flag in the callback, and make the call after the callback returned")                 \
    X(16, ERR_ARGUMENT_OCTET, USAGE, "an argument of a command is empty, or holds CR, LF or NUL",  \
      "the argument was taken from input without a check",                                         \
      "reject such input before popcl gets it")                                                    \
    X(17, ERR_MESSAGE_NUMBER, USAGE, "there is no message with this number",                       \
      "the number is 0, or above the count that STAT gave (RFC 1939, 5)",                          \
      "use numbers from this session's listing")                                                   \
    X(18, ERR_WOULD_BLOCK, USAGE, "no further command can be sent now",                            \
      "as many commands as allowed are in flight", "submit the command again in the ready event")  \
    X(19, ERR_SECRET, CONFIG, "the password is not available",                                     \
      "the callback that supplies the password reported a failure",                                \
      "check the program or the store that holds the password")                                    \
    X(20, ERR_SECRET_WAIT, USAGE, "the password is not ready yet",                                 \
      "the callback that supplies the password asked for time",                                    \
      "submit the command again after a pause")                                                    \
    /* the network */                                                                              \
    X(21, ERR_RESOLVE, HOST, "the server's name was not found",                                    \
      "the name is misspelt, or name resolution does not work here",                               \
      "check the name, and the name servers of this network")                                      \
    X(22, ERR_RESOLVE_TIMEOUT, LATER, "the server's name could not be resolved now",               \
      "the name servers do not answer, or report a temporary failure",                             \
      "run again later; check the network, or give an address instead of a name")                  \
    X(23, ERR_CONNECT, UNAVAILABLE, "no connection to the server",                                 \
      "nothing listens there, or a firewall refuses the connection", "check server and port")      \
    X(24, ERR_TIMEOUT_CONNECT, LATER, "the server did not answer the connection in time",          \
      "the server is down, or a firewall drops the packets",                                       \
      "check server and port, or allow more time (connect_ms)")                                    \
    X(25, ERR_NET, LATER, "the connection broke",                                                  \
      "the network or the server reset the connection",                                            \
      "run again later; stored messages are kept")                                                 \
    X(26, ERR_PORT, UNAVAILABLE, "the transport broke its contract",                               \
      "a function of the port reported more bytes than it was given, or returned an undefined "    \
      "value",                                                                                     \
      "correct the port (popcl_net.h)")                                                            \
    X(27, ERR_CLOSED_GREETING, LATER, "the server closed the connection before its greeting",      \
      "the server is overloaded, refuses this address, or speaks TLS on this port",                \
      "try again later, and check the port (995 is for POPCL_TLS)")                                \
    X(28, ERR_CLOSED, LATER, "the server closed the connection too early",                         \
      "the server was restarted, or it dropped the session", "run again later")                    \
    X(29, ERR_CLOSED_MESSAGE, LATER, "the connection ended inside a message",                      \
      "the server or the network ended the connection",                                            \
      "run again; the cut message was not stored, and is still on the server")                     \
    X(30, ERR_SERVER_CLOSED, LATER, "the server ended the session",                                \
      "the server is shutting down, or the session was idle for too long", "try again later")      \
    X(31, ERR_TIMEOUT_GREETING, LATER, "no greeting from the server in time",                      \
      "the server is overloaded or waits for TLS to begin, or no POP3 server listens on this "     \
      "port",                                                                                      \
      "check the port (995 is for POPCL_TLS), or allow more time (idle_ms)")                       \
    X(32, ERR_TIMEOUT_REPLY, LATER, "no reply from the server in time",                            \
      "the server is overloaded or hangs", "try again later, or allow more time (idle_ms)")        \
    X(33, ERR_TIMEOUT_MESSAGE, LATER, "a message stopped in the middle",                           \
      "the server or the network stalls",                                                          \
      "run again; the cut message was not stored, and is still on the server")                     \
    X(34, ERR_TIMEOUT_SEND, LATER, "the server takes no data",                                     \
      "the server hangs, or the network stalls", "try again later")                                \
    X(35, ERR_TIMEOUT_QUIT, LATER, "no answer to QUIT",                                            \
      "the server hangs; it is unknown whether the server deleted the marked messages, if there "  \
      "were any",                                                                                  \
      "run again; messages may arrive a second time, none is lost")                                \
    X(36, ERR_TIMEOUT_PAUSE, LATER, "the sink or the password was not ready in time",              \
      "storage, or the program that gives the password, took longer than the pause limit",         \
      "raise the pause limit (pause_ms), or make the storage faster; servers drop a session "      \
      "after 10 idle minutes")                                                                     \
    X(37, ERR_TIMEOUT_TOTAL, LATER, "the time for the whole session is used up",                   \
      "the mailbox is larger, or the line is slower, than the limit allows",                       \
      "run again for the rest, or allow more time (total_ms)")                                     \
    /* the protocol */                                                                             \
    X(38, ERR_NOT_POP3, PROTOCOL, "the server is not a POP3 server",                               \
      "the greeting is neither +OK nor -ERR",                                                      \
      "check server and port; no user name or password was sent")                                  \
    X(39, ERR_STATUS, PROTOCOL, "a reply is neither +OK nor -ERR",                                 \
      "the server is broken, or something on the way changes the data",                            \
      "run with popcl_config.trace, and show the output to the server's operator")                 \
    X(40, ERR_BARE_LF, PROTOCOL, "a reply line ends in LF without CR",                             \
      "the server breaks RFC 1939, 3",                                                             \
      "run with popcl_config.trace, and show the output to the server's operator")                 \
    X(41, ERR_NUL, PROTOCOL, "a reply line holds a NUL byte",                                      \
      "the server is broken, or no POP3 server listens there",                                     \
      "run with popcl_config.trace, and show the output to the server's operator")                 \
    X(42, ERR_LINE_LENGTH, PROTOCOL, "a reply line is too long",                                   \
      "POP3 allows 512 octets (RFC 1939, 3)",                                                      \
      "run with popcl_config.trace, and show the output to the server's operator")                 \
    X(43, ERR_UNASKED, PROTOCOL, "the server sent data that no command asked for",                 \
      "the server is broken, or somebody injects data into the connection",                        \
      "run with popcl_config.trace, and show the output to the server's operator")                 \
    X(44, ERR_NUMBER, PROTOCOL, "a number in a reply cannot be read",                              \
      "digits are missing, or other characters are in their place",                                \
      "run with popcl_config.trace, and show the output to the server's operator")                 \
    X(45, ERR_NUMBER_RANGE, PROTOCOL, "a number in a reply is too large",                          \
      "the number (a count, or that of a message) exceeds 2^32 - 1",                               \
      "run with popcl_config.trace, and show the output to the server's operator")                 \
    X(46, ERR_LISTING, PROTOCOL, "the listing of the maildrop contradicts itself",                 \
      "a message is listed twice, or very many lines are for message 0 or for numbers above "      \
      "STAT's count",                                                                              \
      "run with popcl_config.trace, and show the output to the server's operator")                 \
    X(47, ERR_LISTING_ORDER, PROTOCOL, "the listing is out of order and does not fit the plan",    \
      "the plan is full, and popcl finds the rest only if the numbers ascend",                     \
      "give a larger plan")                                                                        \
    X(48, ERR_CAPA_LENGTH, PROTOCOL, "the list of capabilities does not end",                      \
      "the server is broken", "set no_capa")                                                       \
    X(49, ERR_CAPA, LATER, "the server does not answer CAPA",                                      \
      "the server closes the connection or hangs on CAPA, an optional command (RFC 2449)",         \
      "set no_capa")                                                                               \
    X(50, ERR_GREETED_AGAIN, PROTOCOL, "the server greeted a second time, after STLS",             \
      "the server is broken: no greeting follows STLS (RFC 2595, 4), and each reply now comes "    \
      "one command late",                                                                          \
      "use POPCL_TLS, if the server has it; no user name or password was sent")                    \
    X(51, ERR_COMMAND_REFUSED, LATER,                                                              \
      "the server refused a command that every POP3 server must have",                             \
      "the server limits logins or sessions, or cannot serve this command now",                    \
      "run again later; the server's reply may give the reason")                                   \
    X(52, ERR_GREETING_REFUSED, LATER, "the server refuses this connection",                       \
      "the greeting is -ERR", "try again later; the greeting may give the reason")                 \
    X(53, ERR_IN_USE, LATER, "the maildrop is in use by another session",                          \
      "another program reads the maildrop, or an earlier session has not ended",                   \
      "try again in some minutes; the password is not the reason")                                 \
    X(54, ERR_LOGIN_DELAY, LATER, "the server wants more time between logins",                     \
      "the last login was too short a time ago",                                                   \
      "poll less often; the password is not the reason")                                           \
    X(55, ERR_SYS_TEMP, LATER, "the server has a temporary problem",                               \
      "the server reports the problem itself ([SYS/TEMP], RFC 3206, or in words)",                 \
      "try again later")                                                                           \
    X(56, ERR_SYS_PERM, UNAVAILABLE, "the server has a permanent problem",                         \
      "the server reports the problem itself ([SYS/PERM], RFC 3206)",                              \
      "let a person check the server and the account; another try does not help")                  \
    /* the login */                                                                                \
    X(57, ERR_AUTH, LOGIN, "the server refuses user name and password",                            \
      "the user name or the password is wrong, or the account cannot use POP3",                    \
      "check user name and password; popcl did not try a second time")                             \
    X(58, ERR_APOP_REFUSED, LOGIN, "the server refuses the APOP login",                            \
      "the password is wrong, or the server cannot do APOP for this account",                      \
      "check the password, or allow popcl to send the password itself (POPCL_AUTH_USER)")          \
    X(59, ERR_LOGIN_NEEDS_TLS, LOGIN, "the server refuses a login without encryption",             \
      "the server accepts the password over TLS only", "use POPCL_TLS or POPCL_STLS")              \
    X(60, ERR_NO_STAMP, LOGIN, "the greeting has no usable timestamp, which APOP needs",           \
      "the server does not support APOP, or its timestamp is no message-id (CVE-2007-1558)",       \
      "allow POPCL_AUTH_USER, or use a server with APOP")                                          \
    X(106, ERR_CHALLENGE, LOGIN, "the server asks for something that the login does not have",     \
      "the server does not follow the standard of this login mechanism",                           \
      "allow another one (popcl_fetch_config.auth)")                                               \
    X(107, ERR_NO_MECHANISM, LOGIN, "the server refuses this login mechanism",                     \
      "the server does not offer it, or not in clear text; no user name and no password was sent", \
      "allow another one (popcl_fetch_config.auth)")                                               \
    X(118, ERR_TOKEN, LOGIN, "the server refuses the token",                                       \
      "the token has expired or was revoked, is for another account, or does not allow POP3",      \
      "get a new token; popcl did not try a second time")                                          \
    X(119, ERR_DIGEST_REFUSED, LOGIN, "the server refuses a login that hides the password",        \
      "the password is wrong, or the server cannot use this mechanism for this account",           \
      "check the password, or allow another mechanism (popcl_fetch_config.auth)")                  \
    X(120, ERR_MECHANISM_NEEDS_TLS, USAGE, "the login mechanism needs TLS",                        \
      "a token is never sent in clear text, where others could read it; channel binding needs "    \
      "TLS, and EXTERNAL the TLS of the transport",                                                \
      "use POPCL_TLS or POPCL_STLS, and for EXTERNAL POPCL_TLS_BELOW")                             \
    X(121, ERR_LOGIN_REFUSED, UNAVAILABLE,                                                         \
      "the server refuses the login, but not the user name and password",                          \
      "the server has a code for wrong credentials (RFC 3206), and refused without this code",     \
      "read the server's reply, which may give the reason; popcl did not try a second time")       \
    X(126, ERR_SERVER_PROOF, LOGIN, "the server did not prove that it knows the password",         \
      "the server is not the one that keeps this account's password, or it does not follow "       \
      "RFC 5802",                                                                                  \
      "check the server's name and its certificate; popcl did not go on")                          \
    X(127, ERR_PASSWORD_FORM, CONFIG,                                                              \
      "the user name or password has characters that SCRAM may have to change",                    \
      "a character is not in ASCII, and is no precomposed Latin, Greek or Cyrillic letter "        \
      "in UTF-8",                                                                                  \
      "use TLS and allow another mechanism (popcl_fetch_config.auth), or choose another "          \
      "password")                                                                                  \
    X(128, ERR_ITERATIONS, LOGIN, "the server asks for too many iterations of SCRAM",              \
      "the server's setting is above the limit, or the server wants to keep this machine "         \
      "busy",                                                                                      \
      "raise the limit (scram_iterations_max), or allow another mechanism "                        \
      "(popcl_fetch_config.auth)")                                                                 \
    X(129, ERR_ITERATIONS_FEW, LOGIN, "the server asks for too few iterations of SCRAM",           \
      "RFC 7677 wants 4096 or more; with fewer the password is easier to guess from the "          \
      "login",                                                                                     \
      "raise the number on the server, or use TLS and allow another mechanism "                    \
      "(popcl_fetch_config.auth)")                                                                 \
    X(130, ERR_BINDING, LOGIN, "the login cannot be bound to the TLS session",                     \
      "the hash of the server's certificate is not known here or differs at the server, or "       \
      "the server cannot compare it",                                                              \
      "allow a mechanism without channel binding; if the server reports a difference, somebody "   \
      "may be in between")                                                                         \
    X(131, ERR_CHALLENGE_LENGTH, LOGIN, "the server's challenge is too long for the login",        \
      "SCRAM keeps the challenge in the plan, and has room for 320 octets",                        \
      "allow another mechanism (popcl_fetch_config.auth)")                                         \
    /* TLS (popcl_tls.h) */                                                                        \
    X(61, ERR_TIMEOUT_TLS, TLS, "the TLS handshake did not end in time",                           \
      "the server hangs or speaks no TLS on this port, or this processor needs longer than "       \
      "idle_ms",                                                                                   \
      "check the port (995 is for POPCL_TLS), or allow more time (idle_ms)")                       \
    X(62, ERR_TLS_CLOSED, TLS, "the server closed the connection inside the TLS handshake",        \
      "the server speaks no TLS on this port, or refuses this client without a reason",            \
      "check the port (995 is for POPCL_TLS, 110 for POPCL_STLS), and the TLS versions that the "  \
      "server allows")                                                                             \
    X(63, ERR_TLS_NOT_TLS, TLS, "the server's answer is not TLS",                                  \
      "this port speaks clear text, or somebody injects clear text",                               \
      "check the port (995 is for POPCL_TLS, 110 for POPCL_STLS); no user name or password was "   \
      "sent")                                                                                      \
    X(64, ERR_STLS_REFUSED, TLS, "the server refuses STLS",                                        \
      "the server does not offer TLS on this port, or somebody on the way removes the offer",      \
      "try POP3S (POPCL_TLS, port 995); no user name or password was sent")                        \
    X(65, ERR_STLS_SURPLUS, TLS, "clear-text data came after the answer to STLS",                  \
      "somebody injects data into the connection, or the server is broken",                        \
      "do not trust this network; no user name or password was sent")                              \
    X(66, ERR_TLS_VERSION, TLS, "the server and popcl have no TLS version in common",              \
      "popcl speaks TLS 1.2; the server allows only TLS 1.3, or only versions before 1.2",         \
      "allow TLS 1.2 on the server")                                                               \
    X(67, ERR_TLS_ALGORITHMS, TLS, "the server and popcl have no TLS algorithm in common",         \
      "popcl needs ECDHE with AES-GCM or ChaCha20; the server allows neither, or its key does "    \
      "not fit the profile",                                                                       \
      "allow ECDHE with AES-GCM or ChaCha20 on the server, or use another profile")                \
    X(68, ERR_TLS_ALERT, TLS, "the server ended TLS with an alert",                                \
      "the server rejects something in this client; the alert's number names the reason",          \
      "check the server's log")                                                                    \
    X(69, ERR_TLS_RECORD_SIZE, TLS,                                                                \
      "the server sent a TLS record that is larger than the record buffer",                        \
      "the server ignores or breaks the requested fragment length, or none was requested",         \
      "give a larger record buffer (popcl_config.iobuf); 16413 bytes are always enough")           \
    X(70, ERR_TLS_PROOF, TLS, "the server does not hold the key of its certificate",               \
      "the server is set up wrongly, or somebody pretends to be the server",                       \
      "do not trust this network")                                                                 \
    X(71, ERR_TLS_CORRUPT, TLS, "the TLS data was changed on the way",                             \
      "the authentication of a record failed, or the end of the handshake does not match",         \
      "run again; if it happens often, something on the way changes the data")                     \
    X(72, ERR_TLS_PROTOCOL, TLS, "the server breaks the TLS protocol",                             \
      "the server is broken, or somebody injects data into the connection",                        \
      "run again later; report the fault to the server's operator")                                \
    X(125, ERR_NOT_SECURED, TLS, "the transport does not vouch for TLS",                           \
      "POPCL_TLS_BELOW is configured, and the transport has no TLS, or its TLS did not check the " \
      "server's certificate and name",                                                             \
      "use a transport with TLS that checks the server (popcl_net.secured), or POPCL_TLS; "        \
      "nothing "                                                                                   \
      "was sent")                                                                                  \
    /* certificates */                                                                             \
    X(73, ERR_CERT_UNTRUSTED, CERT, "the server's certificate comes from no trusted authority",    \
      "the root is not among the trust anchors, the server leaves out an intermediate "            \
      "certificate, or the certificate is self-signed",                                            \
      "give the right or newer anchors (popcl_trust.anchors); for a self-signed certificate give " \
      "the certificate itself as an anchor, or its key's hash (popcl_trust.pins)")                 \
    X(74, ERR_CERT_NAME, CERT, "the server's certificate is for another name",                     \
      "the certificate does not have the name or address by which the server was reached",         \
      "use a name that the certificate has; if the host has another name, set popcl_tls.name")     \
    X(75, ERR_CERT_NO_SAN, CERT, "the server's certificate names no host",                         \
      "the certificate's subjectAltName has no host or address; a common name counts only in a "   \
      "server's own certificate that is an anchor",                                                \
      "get a certificate with a subjectAltName, or trust its key alone (popcl_trust.pins), or "    \
      "make the certificate an anchor and set popcl_tls.name to its common name")                  \
    X(76, ERR_CERT_EXPIRED, CERT, "a certificate has expired",                                     \
      "the certificate was not renewed in time, or this machine's clock is wrong",                 \
      "check the clock; then inform the server's operator")                                        \
    X(77, ERR_CERT_NOT_YET, CERT, "a certificate is not valid yet",                                \
      "this machine's clock is wrong, or the certificate begins in the future", "check the clock") \
    X(78, ERR_CERT_SIGNATURE, CERT, "the signature of a certificate is wrong",                     \
      "the certificate was changed, or the server sends the wrong intermediate certificate",       \
      "inform the server's operator")                                                              \
    X(79, ERR_CERT_ORDER, CERT, "the server's certificates do not follow from each other",         \
      "the server sends its certificates in the wrong order, or a foreign one between them",       \
      "inform the server's operator; the right order is the server's own first, then each one's "  \
      "issuer")                                                                                    \
    X(80, ERR_CERT_NOT_CA, CERT, "a certificate's issuer cannot issue it",                         \
      "the issuer is no CA, or is too deep below a CA that limits the path",                       \
      "inform the server's operator")                                                              \
    X(81, ERR_CERT_USAGE, CERT, "a certificate is not meant for TLS servers",                      \
      "the certificate's key usage or extended key usage does not include TLS servers",            \
      "inform the server's operator")                                                              \
    X(82, ERR_CERT_CONSTRAINTS, CERT,                                                              \
      "an authority limits names or policies, and the server's certificate breaks the limits",     \
      "a name is outside of the limits, or popcl cannot check them",                               \
      "use a server or a CA without such constraints, or only the hash of the server's key "       \
      "(popcl_trust.pins)")                                                                        \
    X(83, ERR_CERT_EXTENSION, CERT, "a certificate demands something that popcl does not support", \
      "the certificate has a critical extension that popcl does not know",                         \
      "inform the server's operator")                                                              \
    X(84, ERR_CERT_WEAK, CERT, "a certificate is too weak",                                        \
      "the certificate's key is RSA with less than 2048 bits, or its signature uses SHA-1 or MD5", \
      "get a new certificate with a stronger key or signature")                                    \
    X(85, ERR_CERT_UNSUPPORTED, CERT,                                                              \
      "a certificate uses an algorithm that this profile does not have",                           \
      "the certificate's key or signature is of a kind or size that is not supported here",        \
      "use another profile, or a certificate with a P-256 or RSA-2048 key")                        \
    X(86, ERR_CERT_MALFORMED, CERT, "a certificate cannot be read",                                \
      "the certificate is damaged, cut, or breaks the rules of X.509",                             \
      "inform the server's operator")                                                              \
    X(124, ERR_CERT_TOO_LARGE, CERT, "the server's certificate is too large",                      \
      "the certificate is above 32 KB, for which this profile has no room",                        \
      "inform the server's operator; a certificate for fewer names is smaller")                    \
    X(87, ERR_CERT_PIN, CERT, "the server's key is not one of the pinned keys",                    \
      "the server has a new key, or somebody pretends to be the server",                           \
      "get the new key's hash from the server's operator over another channel, and give it "       \
      "(popcl_trust.pins)")                                                                        \
    X(88, ERR_CERT_UNCHECKED, CERT, "some checks of the server's certificate were not made",       \
      "popcl has a fault; without these checks it refuses the certificate",                        \
      "report this to the people who make popcl")                                                  \
    /* messages, listings and the end of a session */                                              \
    X(89, ERR_RETR_REFUSED, LATER, "the server refuses to give a message",                         \
      "another session removed the message, or the maildrop is damaged",                           \
      "run again later; the message was not deleted")                                              \
    X(122, ERR_UTF8, UNAVAILABLE, "the server wants a client that reads UTF-8",                    \
      "a message, or every message of the maildrop, has headers in UTF-8 (RFC 6856)",              \
      "set utf8 (popcl_fetch_config), and run again; the mail is still on the server")             \
    X(90, ERR_BODY_EMPTY, LATER, "a message came empty",                                           \
      "LIST gave the message a size; the server lost the message, or cannot read it now",          \
      "run again; the empty message was stored, and the message on the server was not deleted")    \
    X(91, ERR_TOO_LARGE, LATER, "a message is larger than the limit",                              \
      "the size of the message is above the configured limit",                                     \
      "raise the limit (max_size) to fetch the message; it was not deleted")                       \
    X(92, ERR_SINK, DISK, "a message could not be stored",                                         \
      "the sink refused the message or failed: no space, no permission, or a fault of the medium", \
      "free some space or check the medium, then run again; the message is still on the server")   \
    X(93, ERR_COMMIT, DISK, "a message could not be made durable", "the sink's commit failed",     \
      "check the medium, then run again; the message is still on the server")                      \
    X(94, ERR_SYNC, DISK, "messages could not be made durable", "the sink's sync failed",          \
      "check the medium, then run again; the messages are still on the server")                    \
    X(95, ERR_DELE_REFUSED, LATER, "the server refuses to delete a message",                       \
      "the reply gives the server's reason", "run again; the message may arrive a second time")    \
    X(96, ERR_NO_UIDL, LATER, "the server cannot tell old messages from new ones now",             \
      "the server refused UIDL, an optional command, or its UIDs are only the messages' numbers",  \
      "run again later; if the server never has UIDs, do not require them (POPCL_UIDS_REQUIRED)")  \
    X(97, ERR_NO_TOP, UNAVAILABLE, "the server gives no headers",                                  \
      "the server does not support TOP, an optional command",                                      \
      "fetch whole messages; do not answer POPCL_HEADERS_FIRST")                                   \
    X(98, ERR_QUIT_REFUSED, LATER, "the server did not remove all deleted messages",               \
      "the server answered QUIT with -ERR",                                                        \
      "run again; messages may arrive a second time, none is lost")                                \
    X(99, ERR_QUIT_UNKNOWN, LATER, "the connection ended before QUIT was answered",                \
      "the server or the network ended the connection; it is unknown whether the server deleted "  \
      "the marked messages, if there were any",                                                    \
      "run again; messages may arrive a second time, none is lost")                                \
    X(100, ERR_NOT_DRAINED, LATER, "an unwanted message was too long to be read to its end",       \
      "the limit (drain_max) was reached",                                                         \
      "run again for the rest; a program that remembers the message can leave it out")             \
    X(101, ERR_STOPPED, STOPPED, "stopped", "the program asked for an end",                        \
      "run again for the rest")                                                                    \
    /* the set of UIDs (popcl_seen.h) */                                                           \
    X(102, ERR_SEEN_FULL, DISK, "the set of seen messages is full",                                \
      "the maildrop holds more messages than the set has room for",                                \
      "give the set more memory, or delete old mail from the server")                              \
    X(103, ERR_SEEN_DAMAGED, DISK, "the saved set of seen messages is damaged",                    \
      "the checksum does not match: a write was cut, or the medium is failing",                    \
      "start with an empty set; messages may arrive a second time, none is lost")                  \
    /* the kept TLS session (popcl_tls.h) */                                                       \
    X(104, ERR_RESUME_DAMAGED, DISK, "the saved TLS session is damaged",                           \
      "the checksum does not match: a write was cut, another version of popcl wrote the session, " \
      "or the medium is failing",                                                                  \
      "continue without the saved session; the next handshake is a full one")                      \
    X(105, ERR_RESUME_REFUSED, LATER,                                                              \
      "the server no longer accepts the TLS parameters of the kept session",                       \
      "the server's allowed ciphers changed after that session",                                   \
      "run again; the session is forgotten, and the next handshake is a full one with all "        \
      "ciphers")                                                                                   \
    /* commands that were sent ahead (popcl_config.window) */                                      \
    X(108, ERR_BODY_SIZE, LATER, "a message does not have the size that the server lists",         \
      "the server's sizes are wrong, or it lost a command and sent another message",               \
      "run again without a window; the message was not stored")                                    \
    X(109, ERR_REPLIES, LATER, "the server's replies do not match the commands",                   \
      "the server offers PIPELINING (RFC 2449), but lost a command that was sent ahead",           \
      "run again without a window, and fetch the messages of this session again")                  \
    /* a signed set of trust (popcl_blob.h) */                                                     \
    X(110, ERR_BLOB_READ, DISK, "the signed set of trust cannot be read",                          \
      "the read function of the set reported a failure: a fault of the medium, or of its driver",  \
      "check the medium; install the set again, or use another one that is not older")             \
    X(111, ERR_BLOB_DAMAGED, DISK, "the signed set of trust is damaged",                           \
      "a write was cut, the medium is failing, the set was changed while it was in use, or this "  \
      "is no signed set",                                                                          \
      "install the set again, or use another one that is not older")                               \
    X(112, ERR_BLOB_FEATURE, CONFIG, "the signed set of trust needs a newer popcl",                \
      "the set has a feature that this version does not know",                                     \
      "install newer firmware first, or a set without this feature")                               \
    X(113, ERR_BLOB_SCOPE, CONFIG, "the signed set of trust is for another product",               \
      "the set was made with another label",                                                       \
      "install the set of this product, or make it with the right label")                          \
    X(114, ERR_BLOB_KEY, CONFIG, "the signed set of trust has no signer that is accepted",         \
      "there is no key with the signer's number, or this key is retired",                          \
      "sign the set with a key that is still accepted, and give the number of this key")           \
    X(115, ERR_BLOB_SIGNATURE, CONFIG, "the signature of the set of trust is wrong",               \
      "the set was changed after it was signed, or its key number belongs to another key",         \
      "get the set again from its maker; if it stays wrong, compare the keys of the signers")      \
    X(116, ERR_BLOB_OLD, CONFIG, "the signed set of trust is too old",                             \
      "the sequence of the set is below the floor; somebody may offer an old set to bring back a " \
      "withdrawn authority",                                                                       \
      "install a newer set")                                                                       \
    X(123, ERR_BLOB_PROFILE, CONFIG, "the signed set of trust is of no use to this profile",       \
      "the set has anchors, and the profile judges no chains or has none of their algorithms",     \
      "make a set for this profile: `pinned` takes pins alone")                                    \
    X(117, ERR_CERT_DENIED, CERT, "a certificate has a key that the set of trust forbids",         \
      "the key was stolen or withdrawn, and the server still uses it",                             \
      "inform the server's operator; the server needs a certificate with a new key")

/* The results: POPCL_OK is 0, and each name of the table has POPCL_ before it. */
typedef enum popcl_err {
#define X(number, name, class_, what, cause, advice) POPCL_##name = number,
    POPCL_ERROR_TABLE(X)
#undef X
#define X(number, name, class_, what, cause, advice) +1
        POPCL_ERR_COUNT_ = 0 POPCL_ERROR_TABLE(X) /* how many there are; no result */
#undef X
} popcl_err;

/* The classes group results by the answer that a program can give. */
typedef enum popcl_class {
    POPCL_CLASS_DONE,        /* nothing: it worked */
    POPCL_CLASS_USAGE,       /* correct the program or the command line */
    POPCL_CLASS_HOST,        /* the server's name does not resolve */
    POPCL_CLASS_UNAVAILABLE, /* the server does not offer something that is needed, or the port
                                breaks its contract; a person has to look. ERR_CONNECT may also come
                                while a server restarts: a device tries again as for LATER, and
                                reports it if it stays */
    POPCL_CLASS_DISK,        /* the caller's storage failed */
    POPCL_CLASS_LATER,       /* try again later, each time after a longer wait. Most of these end by
                                themselves. Some come again each time until the setting changes that
                                popcl_err_advice names: ERR_CAPA, ERR_TOO_LARGE, ERR_NO_UIDL,
                                ERR_NOT_DRAINED, ERR_BODY_SIZE and ERR_REPLIES. Timeouts may do so
                                too, and with a wrong port ERR_CLOSED_GREETING. One bad message may
                                bring ERR_RETR_REFUSED, ERR_BODY_EMPTY, ERR_DELE_REFUSED or
                                ERR_CLOSED_MESSAGE each time, as long as it is on the server */
    POPCL_CLASS_PROTOCOL,    /* the server breaks the protocol */
    POPCL_CLASS_LOGIN,       /* ask for other credentials, or change the setting of the login that
                                popcl_err_advice names */
    POPCL_CLASS_CERT, /* popcl refuses the server's certificate; only a person may decide to accept
                         it (RFC 7817, 3). With ERR_CLOCK_* no certificate was judged: set the clock
                       */
    POPCL_CLASS_TLS,  /* the server speaks no TLS that popcl accepts, or breaks it; or a transport
                         does not vouch for its TLS. Nothing falls back to clear text */
    POPCL_CLASS_CONFIG, /* correct the stored credentials, or the signed set of trust */
    POPCL_CLASS_STOPPED /* the caller ended it */
} popcl_class;

#ifdef __cplusplus
extern "C" {
#endif

/* The parts of a result's row. The texts are constant strings, never NULL; "" = there is no text.
 * An unknown value gives "unknown result", and the class USAGE. Callable at any time, from any
 * thread. A program links the texts of only those functions that it calls. */
const char *popcl_err_name(popcl_err e);   /* "ERR_AUTH" */
const char *popcl_err_what(popcl_err e);   /* the failure */
const char *popcl_err_cause(popcl_err e);  /* the likely cause */
const char *popcl_err_advice(popcl_err e); /* the advice */
popcl_class popcl_err_class(popcl_err e);

#ifdef __cplusplus
}
#endif
#endif
