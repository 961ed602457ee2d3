#include "cli/arguments.hpp"

#include "service/values.hpp"

namespace tocsin::cli {
namespace {

CLI::Option* add_option(CLI::App& app, const std::string& names, const std::string& value,
                        const std::string& description, Take take) {
  const std::string name = names.substr(0, names.find(','));
  const auto callback = [name, take = std::move(take)](const CLI::results_t& results) {
    for (const std::string& text : results) {
      try {
        take(text);
      } catch (const service::BadValue& error) {
        throw CLI::ValidationError(name, error.what());
      }
    }
    return true;
  };
  CLI::Option* option = app.add_option(names, callback, description);
  option->option_text(value)->type_size(1);
  return option;
}

}  // namespace

CLI::Option* add_value(CLI::App& app, const std::string& names, const std::string& value,
                       const std::string& description, Take take) {
  return add_option(app, names, value, description, std::move(take));
}

CLI::Option* add_values(CLI::App& app, const std::string& names, const std::string& value,
                        const std::string& description, Take take) {
  // Any number of times, one value each, so that no value is taken from the arguments that follow.
  return add_option(app, names, value, description, std::move(take))
      ->expected(CLI::detail::expected_max_vector_size)
      ->allow_extra_args(false);
}

}  // namespace tocsin::cli
