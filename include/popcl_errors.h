/* popcl_errors.h - every result that popcl can give, in one table: the enum below, the names and
 * sentences of src/core/err_*.c, docs/ERRORS.md and the exit codes of the command are all made
 * from it, so that none of them can disagree.
 *
 * A row is X(NUMBER, NAME, CLASS, what failed, likely cause, what to try). NUMBER never changes,
 * since programs write it into logs and saved state. A new result takes the next free number, in
 * whatever row it is; no row is ever removed. CLASS groups results by what a program can do
 * (popcl_err_class). Settings have the library's names here; a program with other names for them
 * replaces those, as the command does (src/tools/popcl/report.c). */
#ifndef POPCL_ERRORS_H
#define POPCL_ERRORS_H

#define POPCL_ERROR_TABLE(X)                                                                       \
    /* results that are no failure */                                                              \
    X(0, OK, DONE, "done", "", "")                                                                 \
    X(1, MORE, DONE, "messages are left for a later session",                                      \
      "the plan or the message limit was used up",                                                 \
      "allow more passes or give a larger plan; another run gets further only if what is fetched " \
      "is deleted or remembered")                                                                  \
    /* what the caller gave: found by popcl_start, before anything is sent */                      \
    X(2, ERR_ARGUMENT, USAGE, "a required setting is missing or out of range",                     \
      "a field of popcl_config is NULL, zero or above its stated range",                           \
      "compare the configuration with popcl.h")                                                    \
    X(3, ERR_HOST, USAGE, "the server's name cannot be used",                                      \
      "it is empty, longer than 255 octets, or holds a space, a control character, % or an octet " \
      "above 127",                                                                                 \
      "give a host name or an address; for an international name give its xn-- form")              \
    X(4, ERR_CREDENTIAL_OCTET, CONFIG,                                                             \
      "the user name or password holds CR, LF or NUL, or is empty", "a line end was read into it", \
      "correct the user name or password")                                                         \
    X(5, ERR_COMMAND_LENGTH, CONFIG, "a command would be longer than 255 octets",                  \
      "the user name or password is too long for POP3 (RFC 2449, 4)", "use a shorter password")    \
    X(6, ERR_IOBUF_SMALL, USAGE, "the record buffer is too small",                                 \
      "it is below POPCL_IOBUF_MIN, or with TLS below POPCL_IOBUF_SIZE(512)",                      \
      "give a buffer of at least 320 octets, with TLS 541")                                        \
    X(7, ERR_PLAN_SMALL, USAGE, "the plan is too small",                                           \
      "one entry, or the login, does not fit into it",                                             \
      "give a plan of at least POPCL_PLAN_MIN octets (POPCL_PLAN_MIN_APOP where APOP is allowed)") \
    X(8, ERR_NO_TLS, USAGE, "no TLS profile was given",                                            \
      "TLS or STLS was asked for, and popcl_config.tls is NULL or this build has no TLS",          \
      "give a profile (popcl_tls.h); the password is not sent in clear instead")                   \
    X(9, ERR_TLS_STORAGE, USAGE, "the TLS storage is not that of the profile",                     \
      "popcl_tls.storage is NULL, not aligned, or of another profile's type",                      \
      "give an object of the storage type that stands beside the profile in popcl_tls.h")          \
    X(10, ERR_SEED, USAGE, "the random seed cannot be used",                                       \
      "it is missing, shorter than 32 octets, or all its octets are equal: the generator behind "  \
      "it does not work",                                                                          \
      "give 32 unpredictable octets, new ones for each session")                                   \
    X(11, ERR_NO_TRUST, USAGE, "nothing says whom to trust",                                       \
      "neither trust anchors nor pins were given, or no pins to the profile `pinned`",             \
      "give anchors (popcl-ta makes them from a CA bundle) or pins")                               \
    X(12, ERR_CLOCK_UNKNOWN, CERT,                                                                 \
      "the time is not known, and certificates cannot be checked without it",                      \
      "popcl_tls.utc_s is negative, or past the year 9999",                                        \
      "get the time first (NTP, a modem, a saved time that is late enough), or use the profile "   \
      "`pinned`")                                                                                  \
    X(13, ERR_CLOCK_NOT_SET, CERT, "the clock is not set",                                         \
      "it shows a time before this version of popcl, or before the newest trust anchor was made",  \
      "set the clock, or give the time (popcl_tls.utc_s); certificates cannot be checked without " \
      "it")                                                                                        \
    X(14, ERR_STATE, USAGE, "a call came out of order",                                            \
      "the job was not started, is done, or the command does not belong to the session's state",   \
      "start the job first; see the table of calls in popcl.h")                                    \
    X(15, ERR_REENTRANT, USAGE, "a callback called back into its own session",                     \
      "popcl calls other than queries are not allowed inside callbacks",                           \
      "set a flag in the callback and make the call afterwards")                                   \
    X(16, ERR_ARGUMENT_OCTET, USAGE, "a command's argument holds CR, LF or NUL, or is empty",      \
      "it was taken from input without a check", "refuse such input before it reaches popcl")      \
    X(17, ERR_MESSAGE_NUMBER, USAGE, "there is no message of that number",                         \
      "it is 0 or above the count that STAT gave (RFC 1939, 5)",                                   \
      "use numbers from this session's listing")                                                   \
    X(18, ERR_WOULD_BLOCK, USAGE, "no further command can be taken now",                           \
      "as many commands as allowed are in flight", "submit again when ready is called")            \
    X(19, ERR_SECRET, CONFIG, "the password could not be had",                                     \
      "the callback that supplies it reported a failure",                                          \
      "look at the program or store behind it")                                                    \
    X(20, ERR_SECRET_WAIT, USAGE, "the password is not ready yet",                                 \
      "the callback that supplies it asked for time", "submit again after a pause")                \
    /* the network */                                                                              \
    X(21, ERR_RESOLVE, HOST, "the server's name was not found",                                    \
      "the name is misspelt, or name resolution does not work here",                               \
      "check the name, and the network's name servers")                                            \
    X(22, ERR_RESOLVE_TIMEOUT, LATER, "the server's name could not be resolved now",               \
      "the name servers do not answer, or report a temporary failure",                             \
      "run again later; check the network, or give an address instead of a name")                  \
    X(23, ERR_CONNECT, UNAVAILABLE, "no connection to the server",                                 \
      "nothing listens there, or a firewall refuses it", "check server and port")                  \
    X(24, ERR_TIMEOUT_CONNECT, LATER, "the server did not answer the connection in time",          \
      "it is down, or a firewall drops the packets",                                               \
      "check server and port, or allow more time (connect_ms)")                                    \
    X(25, ERR_NET, LATER, "the connection broke", "the network or the server reset it",            \
      "run again later; what was stored is kept")                                                  \
    X(26, ERR_PORT, UNAVAILABLE, "the transport broke its contract",                               \
      "it claimed more octets than it was given, or returned an undefined value",                  \
      "correct the port (popcl_net.h)")                                                            \
    X(27, ERR_CLOSED_GREETING, LATER, "the server closed the connection before its greeting",      \
      "it is overloaded, refuses this address, or speaks TLS on this port",                        \
      "try again later, and check the port (995 is for POPCL_TLS)")                                \
    X(28, ERR_CLOSED, LATER, "the server closed the connection too early",                         \
      "it was restarted, or it dropped the session", "run again later")                            \
    X(29, ERR_CLOSED_MESSAGE, LATER, "the connection ended inside a message",                      \
      "the server or the network broke off",                                                       \
      "run again; the cut message was not stored and is still on the server")                      \
    X(30, ERR_SERVER_CLOSED, LATER, "the server ended the session",                                \
      "it is shutting down, or the session was idle for too long", "try again later")              \
    X(31, ERR_TIMEOUT_GREETING, LATER, "no greeting from the server in time",                      \
      "it is overloaded, waits for TLS to begin, or no POP3 server listens on this port",          \
      "check the port (995 is for POPCL_TLS), or allow more time (idle_ms)")                       \
    X(32, ERR_TIMEOUT_REPLY, LATER, "no reply from the server in time",                            \
      "it is overloaded or hangs", "try again later, or allow more time (idle_ms)")                \
    X(33, ERR_TIMEOUT_MESSAGE, LATER, "a message stopped in the middle",                           \
      "the server or the network stalls",                                                          \
      "run again; the cut message was not stored and is still on the server")                      \
    X(34, ERR_TIMEOUT_SEND, LATER, "the server takes no data", "it hangs, or the network stalls",  \
      "try again later")                                                                           \
    X(35, ERR_TIMEOUT_QUIT, LATER, "no answer to QUIT",                                            \
      "the server hangs; whether it deleted what was marked, if anything was, is unknown",         \
      "run again: messages may arrive a second time, none is lost")                                \
    X(36, ERR_TIMEOUT_PAUSE, LATER, "the sink or the password was not ready in time",              \
      "storage or the program behind it was slower than the pause limit",                          \
      "make it faster, or raise the pause limit; servers drop sessions after 10 idle minutes")     \
    X(37, ERR_TIMEOUT_TOTAL, LATER, "the time for the whole session is used up",                   \
      "the mailbox is larger, or the line slower, than the limit allows",                          \
      "run again for the rest, or allow more time (total_ms)")                                     \
    /* the protocol */                                                                             \
    X(38, ERR_NOT_POP3, PROTOCOL, "what answers there is no POP3 server",                          \
      "its greeting is neither +OK nor -ERR",                                                      \
      "check server and port; no user name or password was sent")                                  \
    X(39, ERR_STATUS, PROTOCOL, "a reply is neither +OK nor -ERR",                                 \
      "the server is broken, or something on the way changes the data",                            \
      "run with popcl_config.trace and show the server's operator")                                \
    X(40, ERR_BARE_LF, PROTOCOL, "a reply line ends in LF without CR",                             \
      "the server breaks RFC 1939, 3",                                                             \
      "run with popcl_config.trace and show the server's operator")                                \
    X(41, ERR_NUL, PROTOCOL, "a reply line holds a NUL octet",                                     \
      "the server is broken, or no POP3 server listens there",                                     \
      "run with popcl_config.trace and show the server's operator")                                \
    X(42, ERR_LINE_LENGTH, PROTOCOL, "a reply line is too long",                                   \
      "POP3 allows 512 octets (RFC 1939, 3)",                                                      \
      "run with popcl_config.trace and show the server's operator")                                \
    X(43, ERR_UNASKED, PROTOCOL, "the server sent data that nobody asked for",                     \
      "it is broken, or somebody injects data into the connection",                                \
      "run with popcl_config.trace and show the server's operator")                                \
    X(44, ERR_NUMBER, PROTOCOL, "a number in a reply cannot be read",                              \
      "digits are missing, or something else stands there",                                        \
      "run with popcl_config.trace and show the server's operator")                                \
    X(45, ERR_NUMBER_RANGE, PROTOCOL, "a number in a reply is too large",                          \
      "it does not fit 32 bits (counts) or 64 bits (octets)",                                      \
      "run with popcl_config.trace and show the server's operator")                                \
    X(46, ERR_LISTING, PROTOCOL, "the listing of the maildrop contradicts itself",                 \
      "it names a message twice, or very many lines of it name none (number 0, or above STAT's "   \
      "count)",                                                                                    \
      "run with popcl_config.trace and show the server's operator")                                \
    X(47, ERR_LISTING_ORDER, PROTOCOL, "the listing is out of order and does not fit the plan",    \
      "with a full plan the rest is found by ascending numbers", "give a larger plan")             \
    X(48, ERR_CAPA_LENGTH, PROTOCOL, "the list of capabilities does not end",                      \
      "the server is broken", "set no_capa")                                                       \
    X(49, ERR_CAPA, LATER, "the server does not answer CAPA",                                      \
      "it closes the connection or hangs on CAPA, an optional command (RFC 2449)", "set no_capa")  \
    X(50, ERR_GREETED_AGAIN, PROTOCOL, "the server greeted a second time, after STLS",             \
      "it is broken: no greeting follows STLS (RFC 2595, 4), and its replies are one behind",      \
      "use POPCL_TLS, if the server has it; no user name or password was sent")                    \
    X(51, ERR_COMMAND_REFUSED, LATER,                                                              \
      "the server refused a command that every POP3 server must know",                             \
      "it limits logins or sessions, or is in a state that it did not tell",                       \
      "run again later; the reply says more")                                                      \
    X(52, ERR_GREETING_REFUSED, LATER, "the server refuses this connection",                       \
      "its greeting is -ERR", "try again later; its text may say why")                             \
    X(53, ERR_IN_USE, LATER, "the maildrop is in use by another session",                          \
      "another program reads it, or an earlier session has not ended",                             \
      "try again in some minutes; the password is not at fault")                                   \
    X(54, ERR_LOGIN_DELAY, LATER, "the server wants more time between logins",                     \
      "the last login was too short a time ago", "poll less often; the password is not at fault")  \
    X(55, ERR_SYS_TEMP, LATER, "the server has a temporary problem",                               \
      "it says so itself ([SYS/TEMP], RFC 3206, or in words)", "try again later")                  \
    X(56, ERR_SYS_PERM, UNAVAILABLE, "the server has a permanent problem",                         \
      "it says so itself ([SYS/PERM], RFC 3206)",                                                  \
      "a person has to look at the server or the account; trying again does not help")             \
    /* the login */                                                                                \
    X(57, ERR_AUTH, LOGIN, "the server refuses user name and password",                            \
      "one of them is wrong, or the account may not use POP3",                                     \
      "check both; nothing was tried a second time")                                               \
    X(58, ERR_APOP_REFUSED, LOGIN, "the server refuses the APOP login",                            \
      "the password is wrong, or the server cannot do APOP for this account",                      \
      "check the password, or allow the password itself to be sent (POPCL_AUTH_USER)")             \
    X(59, ERR_LOGIN_NEEDS_TLS, LOGIN, "the server refuses a login without encryption",             \
      "it takes the password over TLS only", "use POPCL_TLS or POPCL_STLS")                        \
    X(60, ERR_NO_STAMP, LOGIN, "APOP was asked for, and the greeting has no usable timestamp",     \
      "the server does not support APOP, or its timestamp is no message-id (CVE-2007-1558)",       \
      "allow POPCL_AUTH_USER, or use a server with APOP")                                          \
    /* TLS (popcl_tls.h) */                                                                        \
    X(61, ERR_TIMEOUT_TLS, TLS, "the TLS handshake did not end in time",                           \
      "the server speaks no TLS on this port, hangs, or this processor is slower than idle_ms "    \
      "allows",                                                                                    \
      "check the port (995 is for POPCL_TLS), or allow more time (idle_ms)")                       \
    X(62, ERR_TLS_CLOSED, TLS, "the server closed the connection inside the TLS handshake",        \
      "it speaks no TLS on this port, or refuses this client without saying why",                  \
      "check the port (995 is for POPCL_TLS, 110 for POPCL_STLS), and what TLS versions the "      \
      "server allows")                                                                             \
    X(63, ERR_TLS_NOT_TLS, TLS, "what answers there is no TLS",                                    \
      "this port speaks clear text, or somebody injects clear text",                               \
      "check the port (995 is for POPCL_TLS, 110 for POPCL_STLS); no user name or password was "   \
      "sent")                                                                                      \
    X(64, ERR_STLS_REFUSED, TLS, "the server refuses STLS",                                        \
      "it does not offer TLS on this port, or somebody on the way removes it",                     \
      "try POP3S (POPCL_TLS, port 995); no user name or password was sent")                        \
    X(65, ERR_STLS_SURPLUS, TLS, "data in clear came behind the answer to STLS",                   \
      "somebody injects data into the connection, or the server is broken",                        \
      "do not trust this network; no user name or password was sent")                              \
    X(66, ERR_TLS_VERSION, TLS, "the server and popcl have no TLS version in common",              \
      "popcl speaks TLS 1.2; the server allows only 1.3, or only versions before 1.2",             \
      "allow TLS 1.2 on the server")                                                               \
    X(67, ERR_TLS_ALGORITHMS, TLS, "the server and popcl have no TLS algorithm in common",         \
      "popcl takes ECDHE with AES-GCM or ChaCha20 only; the server allows neither, or its key "    \
      "does not fit the profile",                                                                  \
      "allow ECDHE with AES-GCM or ChaCha20 on the server, or use another profile")                \
    X(68, ERR_TLS_ALERT, TLS, "the server ended TLS with an alert",                                \
      "it does not like something in this client; the alert's number says what",                   \
      "look at the server's log")                                                                  \
    X(69, ERR_TLS_RECORD_SIZE, TLS,                                                                \
      "the server sent a TLS record that is larger than the record buffer",                        \
      "it ignores, or breaks, the fragment length that was asked for, or none was asked for",      \
      "give a larger record buffer (popcl_config.iobuf); 16413 octets are always enough")          \
    X(70, ERR_TLS_PROOF, TLS, "the server does not hold the key of its certificate",               \
      "the server is configured wrongly, or somebody pretends to be it",                           \
      "do not trust this network")                                                                 \
    X(71, ERR_TLS_CORRUPT, TLS, "the TLS data was changed on the way",                             \
      "a record's authentication failed, or the handshake's end does not match",                   \
      "run again; if it happens often, somebody or something on the way changes the data")         \
    X(72, ERR_TLS_PROTOCOL, TLS, "the server breaks the TLS protocol",                             \
      "it is broken, or somebody injects data into the connection",                                \
      "run again later; show the server's operator")                                               \
    /* certificates */                                                                             \
    X(73, ERR_CERT_UNTRUSTED, CERT,                                                                \
      "the server's certificate comes from no authority that is trusted here",                     \
      "its root is not among the trust anchors, the server leaves out an intermediate "            \
      "certificate, or it is self-signed",                                                         \
      "give the right anchors (popcl_trust.anchors), or newer ones; for a self-signed "            \
      "certificate give it itself as an anchor, or its key's hash (popcl_trust.pins)")             \
    X(74, ERR_CERT_NAME, CERT, "the server's certificate is for another name",                     \
      "the server was reached under a name, or an address, that its certificate does not have",    \
      "use a name of the certificate; one that differs from the host's is given apart "            \
      "(popcl_tls.name)")                                                                          \
    X(75, ERR_CERT_NO_SAN, CERT, "the server's certificate names no host",                         \
      "it has no subjectAltName with a host or an address; a common name counts only in a "        \
      "certificate that is itself an anchor, if it is this host's",                                \
      "have the certificate made anew with a subjectAltName; or give it itself as an anchor "      \
      "(popcl_trust.anchors), and its common name as the name (popcl_tls.name); or give its "      \
      "key's hash alone (popcl_trust.pins)")                                                       \
    X(76, ERR_CERT_EXPIRED, CERT, "a certificate has expired",                                     \
      "it was not renewed in time, or this machine's clock is wrong",                              \
      "check the clock; then tell the server's operator")                                          \
    X(77, ERR_CERT_NOT_YET, CERT, "a certificate is not valid yet",                                \
      "this machine's clock is wrong, or the certificate was dated ahead", "check the clock")      \
    X(78, ERR_CERT_SIGNATURE, CERT, "the signature of a certificate is wrong",                     \
      "the certificate was changed, or the server sends the wrong intermediate",                   \
      "tell the server's operator")                                                                \
    X(79, ERR_CERT_ORDER, CERT, "the server's certificates do not follow from each other",         \
      "the server sends them in the wrong order, or a foreign one between them",                   \
      "tell the server's operator: the order is its own first, then each one's issuer")            \
    X(80, ERR_CERT_NOT_CA, CERT, "a certificate was issued by one that may not issue any",         \
      "the issuer is no CA, or is too deep below one that limits the path",                        \
      "tell the server's operator")                                                                \
    X(81, ERR_CERT_USAGE, CERT, "a certificate is not meant for TLS servers",                      \
      "its key usage or extended key usage says so", "tell the server's operator")                 \
    X(82, ERR_CERT_CONSTRAINTS, CERT,                                                              \
      "a certificate limits the names or policies below it, and popcl cannot check that",          \
      "an authority on the way is constrained",                                                    \
      "use a server or a CA without such constraints, or the hash of the server's key alone "      \
      "(popcl_trust.pins)")                                                                        \
    X(83, ERR_CERT_EXTENSION, CERT, "a certificate demands something that popcl does not know",    \
      "it has a critical extension that is not supported", "tell the server's operator")           \
    X(84, ERR_CERT_WEAK, CERT, "a certificate is too weak",                                        \
      "its key is RSA below 2048 bits, or it is signed with SHA-1 or MD5",                         \
      "have the certificate made anew")                                                            \
    X(85, ERR_CERT_UNSUPPORTED, CERT,                                                              \
      "a certificate uses an algorithm that this profile does not have",                           \
      "its key or signature is of another kind or larger than supported",                          \
      "use another profile, or a certificate with a P-256 or RSA-2048 key")                        \
    X(86, ERR_CERT_MALFORMED, CERT, "a certificate cannot be read",                                \
      "it is damaged, cut, or breaks the rules of X.509", "tell the server's operator")            \
    X(87, ERR_CERT_PIN, CERT, "the server's key is not one of the pinned keys",                    \
      "the server has a new key, or somebody pretends to be it",                                   \
      "ask the server's operator for the new key's hash by another way, and give that "            \
      "(popcl_trust.pins)")                                                                        \
    X(88, ERR_CERT_UNCHECKED, CERT, "not all checks of the server's certificate were made",        \
      "popcl itself is at fault: it refuses rather than trusts", "tell the people who make popcl") \
    /* single messages: the session goes on */                                                     \
    X(89, ERR_RETR_REFUSED, LATER, "the server refuses to give a message",                         \
      "it was removed by another session, or the maildrop is damaged",                             \
      "run again later; it was not deleted")                                                       \
    X(90, ERR_BODY_EMPTY, LATER, "a message came without a single octet",                          \
      "LIST gave it octets: the server lost it, or cannot read it now",                            \
      "run again; the empty message was stored, and the one on the server was not deleted")        \
    X(91, ERR_TOO_LARGE, LATER, "a message is larger than the limit",                              \
      "its size is above the limit that was given",                                                \
      "raise the limit (max_size) to fetch it; it was not deleted")                                \
    X(92, ERR_SINK, DISK, "a message could not be stored",                                         \
      "the sink refused it or failed: no space, no permission, or a fault of the medium",          \
      "free some space or look at the medium, then run again; it is still on the server")          \
    X(93, ERR_COMMIT, DISK, "a message could not be made durable", "the sink's commit failed",     \
      "look at the medium, then run again; the message is still on the server")                    \
    X(94, ERR_SYNC, DISK, "messages could not be made durable", "the sink's sync failed",          \
      "look at the medium, then run again; the messages are still on the server")                  \
    X(95, ERR_DELE_REFUSED, LATER, "the server refuses to delete a message",                       \
      "it says why in its reply", "run again; the message may arrive a second time")               \
    X(96, ERR_NO_UIDL, LATER, "the server cannot tell old messages from new ones now",             \
      "it refused UIDL, an optional command, or its UIDs are the messages' numbers only",          \
      "run again later; if it stays so, fetch without asking for UIDs (need_uid)")                 \
    X(97, ERR_NO_TOP, UNAVAILABLE, "the server gives no headers",                                  \
      "it does not support TOP, an optional command",                                              \
      "fetch whole messages: do not answer POPCL_HEADERS_FIRST")                                   \
    X(98, ERR_QUIT_REFUSED, LATER, "the server did not remove all deleted messages",               \
      "it answered QUIT with -ERR", "run again: messages may arrive a second time, none is lost")  \
    X(99, ERR_QUIT_UNKNOWN, LATER, "the connection ended before QUIT was answered",                \
      "the server or the network broke off; whether it deleted what was marked, if anything was, " \
      "is unknown",                                                                                \
      "run again: messages may arrive a second time, none is lost")                                \
    X(100, ERR_NOT_DRAINED, LATER,                                                                 \
      "a message that was not wanted was too long to be read to its end",                          \
      "the limit for that (drain_max) was reached",                                                \
      "run again for the rest; who remembers the message does not ask for it again")               \
    X(101, ERR_STOPPED, STOPPED, "stopped", "the caller asked for it", "run again for the rest")   \
    /* the set of UIDs (popcl_seen.h) */                                                           \
    X(102, ERR_SEEN_FULL, DISK, "the set of seen messages is full",                                \
      "the maildrop holds more messages than the set has room for",                                \
      "give it more memory, or delete old mail from the server")                                   \
    X(103, ERR_SEEN_DAMAGED, DISK, "the saved set of seen messages is damaged",                    \
      "its checksum does not match: a write was cut, or the medium is failing",                    \
      "start with an empty set: messages may arrive a second time, none is lost")                  \
    /* the kept TLS session (popcl_tls.h) */                                                       \
    X(104, ERR_RESUME_DAMAGED, DISK, "the saved TLS session is damaged",                           \
      "its checksum does not match: a write was cut, another version of popcl wrote it, or the "   \
      "medium is failing",                                                                         \
      "go on without: it counts as none, and the next handshake is a full one")                    \
    X(105, ERR_RESUME_REFUSED, LATER,                                                              \
      "the server has no use any more for the kind of TLS that the kept session has",              \
      "its allowed ciphers changed since that session was made",                                   \
      "run again: the session is forgotten, and the next handshake is a full one with all "        \
      "ciphers")

typedef enum popcl_err {
#define X(number, name, class_, what, cause, advice) POPCL_##name = number,
    POPCL_ERROR_TABLE(X)
#undef X
#define X(number, name, class_, what, cause, advice) +1
        POPCL_ERR_COUNT_ = 0 POPCL_ERROR_TABLE(X) /* how many there are; no result */
#undef X
} popcl_err;

/* What a program can do about a result. */
typedef enum popcl_class {
    POPCL_CLASS_DONE,        /* nothing: it worked */
    POPCL_CLASS_USAGE,       /* correct the program or the command line */
    POPCL_CLASS_HOST,        /* the server's name does not resolve */
    POPCL_CLASS_UNAVAILABLE, /* the server does not offer what is needed; a person has to look */
    POPCL_CLASS_DISK,        /* the caller's storage failed */
    POPCL_CLASS_LATER,       /* try again later, unchanged */
    POPCL_CLASS_PROTOCOL,    /* the server breaks the protocol */
    POPCL_CLASS_LOGIN,       /* ask for other credentials */
    POPCL_CLASS_CERT, /* the server's certificate is refused: final without a person's decision (RFC
                         7817, 3) */
    POPCL_CLASS_TLS,  /* the server speaks no TLS that popcl accepts, or breaks it; nothing falls
                         back to clear text */
    POPCL_CLASS_CONFIG, /* correct the stored credentials */
    POPCL_CLASS_STOPPED /* the caller ended it */
} popcl_class;

#ifdef __cplusplus
extern "C" {
#endif

/* The parts of a result's row. Each returns a constant string (never NULL, "" where there is
 * nothing to say; an unknown value gives "unknown result"). Callable at any time, from any thread.
 * A program links the texts of only those functions that it calls. */
const char *popcl_err_name(popcl_err e);   /* "ERR_AUTH" */
const char *popcl_err_what(popcl_err e);   /* what failed */
const char *popcl_err_cause(popcl_err e);  /* the likely cause */
const char *popcl_err_advice(popcl_err e); /* what to try */
popcl_class popcl_err_class(popcl_err e);

#ifdef __cplusplus
}
#endif
#endif
