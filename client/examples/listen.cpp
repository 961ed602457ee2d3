// Prints matches as they come, with what they emit.
//
//   listen [OPTIONS] ADDRESS [COUNT [TOKEN]]        listen unix:/run/tocsin.sock 10
//                                                   listen --ring unix:/run/tocsin.sock 10
//                                                   listen --ca ca.pem tls:tocsin.example:7070
//
// --ring listens through shared memory. Of TLS: --ca FILE, --cert FILE, --key FILE, --name NAME are the
// authorities, the client's own certificate and key, and the server's name where it is not that of the
// address.
#include <algorithm>
#include <iostream>
#include <string>
#include <string_view>
#include <tocsin.hpp>
#include <utility>
#include <vector>

namespace {

void print(const tocsin::Value& value) {
  switch (value.kind()) {
    case TOCSIN_NULL: std::cout << "null"; break;
    case TOCSIN_FLOAT: std::cout << value.number(); break;
    case TOCSIN_STRING:
    case TOCSIN_ENUM: std::cout << value.text(); break;
    case TOCSIN_ARRAY:
      for (std::size_t i = 0; i < value.size(); ++i) {
        std::cout << (i == 0 ? "[" : " ");
        print(value[i]);
      }
      std::cout << (value.size() == 0 ? "[]" : "]");
      break;
    default: std::cout << value.integer();
  }
}

void print(const tocsin::Match& match) {
  std::cout << match.rule() << (match.is_timeout() ? " (timeout)" : "") << " at " << match.time_ns() << ':';
  if (const auto event = match.emitted()) {
    for (std::size_t i = 0; i < event->size(); ++i) {
      std::cout << ' ' << event->name(i) << '=';
      print((*event)[i]);
    }
  }
  std::cout << std::endl;
}

/// Takes the options off the front of the arguments. False where they can't be.
bool take_options(tocsin::Client& client, std::vector<std::string>& arguments) {
  tocsin::Tls tls;
  const std::pair<std::string_view, std::string*> files[] = {{"--ca", &tls.ca_file},
                                                             {"--cert", &tls.certificate_file},
                                                             {"--key", &tls.key_file},
                                                             {"--name", &tls.server_name}};
  bool has_tls = false;
  auto next = arguments.begin();
  for (; next != arguments.end() && next->starts_with("-"); ++next) {
    if (*next == "--ring") {
      client.use_ring();
      continue;
    }
    const auto* file =
        std::ranges::find(files, std::string_view(*next), [](const auto& each) { return each.first; });
    if (file == std::end(files) || ++next == arguments.end()) return false;
    *file->second = *next;
    has_tls = true;
  }
  if (has_tls) client.set_tls(tls);
  arguments.erase(arguments.begin(), next);
  return !arguments.empty();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    tocsin::Client client("listen example");
    std::vector<std::string> arguments(argv + 1, argv + argc);
    if (!take_options(client, arguments)) {
      std::cerr << "usage: listen [--ring] [--ca FILE] [--cert FILE] [--key FILE] [--name NAME] ADDRESS "
                   "[COUNT [TOKEN]]\n";
      return 2;
    }
    if (arguments.size() > 2) client.set_token(arguments[2]);
    client.connect(arguments[0]);
    client.subscribe();
    std::cerr << "listen: subscribed\n";
    for (long left = arguments.size() > 1 ? std::stol(arguments[1]) : -1; left != 0; --left)
      print(*client.poll(-1));
    client.close();
    return 0;
  } catch (const tocsin::Error& error) {
    std::cerr << "listen: " << error.what() << '\n';
    return error.code() == "shutdown" ? 0 : 1;
  }
}
