// SPDX-License-Identifier: MIT
// mailbox - popcl for C++11: an object with all memory of a session, and a call for each message.
//
//     mailbox HOST PORT USER < PASSWORD-FILE
//     c++ -std=c++11 examples/mailbox.cpp $(pkg-config --cflags --libs popcl)
//
// No exception may leave a callback: what `each` throws is kept, and thrown when the session is
// over.
#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <string>

#include "popcl_fetch.h"
#include "popcl_posix.h"

class Mailbox {
  public:
    // A message and its UID. It is durable when the call returns; false = it is not, try it later.
    using Each = std::function<bool(const std::string &uid, const std::string &message)>;

    Mailbox(std::string host, uint16_t port, std::string user, std::string password)
        : host_(std::move(host)), user_(std::move(user)), password_(std::move(password)) {
        config_.session.host = host_.c_str();
        config_.session.port = port;
        config_.session.user = user_.c_str();
        config_.session.iobuf = iobuf_;
        config_.session.iobuf_len = sizeof iobuf_;
        config_.secret.octets = password_.c_str();
        config_.plan = plan_;
        config_.plan_len = sizeof plan_;
        config_.passes = UINT16_MAX;
        config_.sink = &sink;
        config_.sink_ctx = this;
    }
    Mailbox(const Mailbox &) = delete; // popcl borrows its memory
    Mailbox &operator=(const Mailbox &) = delete;

    popcl_err fetch(Each each) {
        each_ = std::move(each);
        thrown_ = nullptr;
        popcl_posix_net net = {};
        popcl_fetch_start(&job_, &config_, 0);
        popcl_err e = popcl_run(&job_.session, &popcl_posix, &net);
        popcl_fetch_wipe(&job_);
        if (thrown_) std::rethrow_exception(thrown_);
        return e;
    }

  private:
    static int begin(void *ctx, const popcl_msg *m) {
        return self(ctx).guarded([&] {
            self(ctx).uid_.assign(m->uid, m->uid_len);
            self(ctx).message_.clear();
            return 0;
        });
    }
    static int data(void *ctx, const void *p, size_t n) {
        return self(ctx).guarded([&] {
            self(ctx).message_.append(static_cast<const char *>(p), n);
            return static_cast<int>(n);
        });
    }
    static int commit(void *ctx) {
        return self(ctx).guarded(
            [&] { return self(ctx).each_(self(ctx).uid_, self(ctx).message_) ? 0 : -1; });
    }
    static void cut(void *, popcl_err) {}
    static Mailbox &self(void *ctx) { return *static_cast<Mailbox *>(ctx); }

    template <class Call> int guarded(Call call) {
        try {
            return call();
        } catch (...) {
            thrown_ = std::current_exception();
            return POPCL_SINK_STOP;
        }
    }

    static const popcl_sink sink;
    std::string host_, user_, password_, uid_, message_;
    Each each_;
    std::exception_ptr thrown_;
    popcl_fetch_config config_{};
    popcl_fetch job_{};
    unsigned char iobuf_[4096], plan_[1024];
};

const popcl_sink Mailbox::sink = {Mailbox::begin, Mailbox::data, Mailbox::commit, nullptr,
                                  Mailbox::cut};

int main(int argc, char **argv) {
    std::string password;
    if (argc != 4 || !std::getline(std::cin, password)) return std::cerr << "see mailbox.cpp\n", 64;
    Mailbox mailbox(argv[1], static_cast<uint16_t>(std::atoi(argv[2])), argv[3], password);
    popcl_err e = mailbox.fetch([](const std::string &uid, const std::string &message) {
        std::cout << "--- " << uid << ' ' << message.size() << '\n' << message;
        return static_cast<bool>(std::cout.flush());
    });
    if (e) std::cerr << "mailbox: " << popcl_err_what(e) << "; " << popcl_err_advice(e) << '\n';
    return e && e != POPCL_MORE;
}
