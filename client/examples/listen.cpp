// Prints matches as they come, with what they emit.
//
//   listen ADDRESS [COUNT [TOKEN]]        listen unix:/run/tocsin.sock 10
#include <cstdlib>
#include <iostream>
#include <tocsin.hpp>

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

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: listen ADDRESS [COUNT [TOKEN]]\n";
    return 2;
  }
  try {
    tocsin::Client client("listen example");
    if (argc > 3) client.set_token(argv[3]);
    client.connect(argv[1]);
    client.subscribe();
    std::cerr << "listen: subscribed\n";
    for (long left = argc > 2 ? std::atol(argv[2]) : -1; left != 0; --left)
      print(*client.poll(-1));
    client.close();
    return 0;
  } catch (const tocsin::Error& error) {
    std::cerr << "listen: " << error.what() << '\n';
    return error.code() == "shutdown" ? 0 : 1;
  }
}
