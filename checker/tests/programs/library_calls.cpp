// SPDX-License-Identifier: MIT
// What functions of the C and C++ libraries read and write of the program's memory: one of them,
// and what another thread does to the same memory, under a lock or not.
// Arguments: of each line that begins with {"name",
// Mended: proved
// Broken: data race
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <cwchar>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/time.h>
#include <unistd.h>

char text[64] = "12 abc";
char other[64] = "q";
wchar_t wide[64] = L"12 abc";
wchar_t wide_other[64] = L"q";
int number = 3;
double real = 1.5;
alignas(4096) char page[4096];
std::tm date{};
std::time_t now = 86'400;
timeval of_day;
timespec of_clock;
sem_t semaphore;
std::string digits = "12345";
std::string word = "a text that is long enough for the heap";
char* rest = text;
wchar_t* wide_rest = wide;
std::mutex lock;

template <class T>
void use(const T& value) {
  static thread_local T kept;
  kept = value;
}

struct entry {
  const char* name;
  void (*library)();
  void (*plain)();
};
void write_text() { text[1] = '3'; }
void read_text() { use(text[0]); }
void write_wide() { wide[1] = L'3'; }
void read_wide() { use(wide[0]); }
void read_number() { use(number); }
void read_real() { use(real); }
void read_date() { use(date.tm_year); }
void write_word() { word[3] = 'x'; }
int scan(const char* from, const char* format, ...) {
  std::va_list values;
  va_start(values, format);
  const int done = std::vsscanf(from, format, values);
  va_end(values);
  return done;
}

const entry entries[] = {
    {"strlen", [] { use(std::strlen(text)); }, write_text},
    {"strncat", [] { std::strncat(other, text, 3); }, write_text},
    {"strncat_to", [] { std::strncat(text, other, 3); }, [] { use(text[6]); }},
    {"strcasecmp", [] { use(strcasecmp(text, other)); }, write_text},
    {"strncasecmp", [] { use(strncasecmp(other, text, 4)); }, write_text},
    {"strcoll", [] { use(std::strcoll(text, other)); }, write_text},
    {"strxfrm", [] { use(std::strxfrm(text, other, 8)); }, read_text},
    {"strpbrk", [] { use(std::strpbrk(text, "xyz")); }, write_text},
    {"strspn", [] { use(std::strspn(text, other)); }, write_text},
    {"strcspn", [] { use(std::strcspn(text, other)); }, write_text},
    {"strcasestr", [] { use(strcasestr(text, other)); }, write_text},
    {"stpncpy", [] { use(stpncpy(text, other, 3)); }, read_text},
    {"strsep", [] { use(strsep(&rest, " ")); }, [] { use(text[2]); }},
    {"strsep_rest", [] { use(strsep(&rest, " ")); }, [] { use(rest); }},
    {"strtok_r", [] { use(strtok_r(text, " ", &rest)); }, [] { use(text[2]); }},
    {"strtok_r_rest", [] { use(strtok_r(nullptr, " ", &rest)); }, [] { use(rest); }},
    {"memmem", [] { use(memmem(text, 20, "zz", 2)); }, write_text},
    {"mempcpy", [] { use(mempcpy(text, other, 3)); }, read_text},
    {"wcslen", [] { use(std::wcslen(wide)); }, write_wide},
    {"wcscmp", [] { use(std::wcscmp(wide, wide_other)); }, write_wide},
    {"wcscpy", [] { std::wcscpy(wide, wide_other); }, read_wide},
    {"wcschr", [] { use(std::wcschr(wide, L'z')); }, write_wide},
    {"wcsstr", [] { use(std::wcsstr(wide, L"zz")); }, write_wide},
    {"wcstok", [] { use(std::wcstok(wide, L" ", &wide_rest)); }, [] { use(wide[2]); }},
    {"wmemchr", [] { use(std::wmemchr(wide, L'z', 9)); }, write_wide},
    {"wmemcmp", [] { use(std::wmemcmp(wide, wide_other, 9)); }, write_wide},
    {"wmemcpy", [] { std::wmemcpy(wide, wide_other, 9); }, read_wide},
    {"wmemmove", [] { std::wmemmove(wide_other, wide, 9); }, write_wide},
    {"wmemset", [] { std::wmemset(wide, L'x', 9); }, read_wide},
    {"strtod", [] { use(std::strtod(text, nullptr)); }, write_text},
    {"strtof", [] { use(std::strtof(text, nullptr)); }, write_text},
    {"strtold", [] { use(std::strtold(text, nullptr) > 1); }, write_text},
    {"strtod_end", [] { use(std::strtod("1", &rest)); }, [] { use(rest); }},
    {"strtol", [] { use(std::strtol(text, nullptr, 10)); }, write_text},
    {"strtol_no_number", [] { use(std::strtol(text + 2, nullptr, 10)); }, [] { text[4] = 'x'; }},
    {"strtoul", [] { use(std::strtoul(text, nullptr, 10)); }, write_text},
    {"strtoll", [] { use(std::strtoll(text, nullptr, 10)); }, write_text},
    {"strtoull_end", [] { use(std::strtoull("1", &rest, 10)); }, [] { use(rest); }},
    {"atoi", [] { use(std::atoi(text)); }, write_text},
    {"atof", [] { use(std::atof(text)); }, write_text},
    {"wcstol", [] { use(std::wcstol(wide, nullptr, 10)); }, write_wide},
    {"wcstod", [] { use(std::wcstod(wide, nullptr)); }, write_wide},
    {"stod", [] { use(std::stod(digits)); }, [] { digits[1] = '7'; }},
    {"stoi", [] { use(std::stoi(digits)); }, [] { digits[1] = '7'; }},
    {"mbstowcs", [] { use(std::mbstowcs(wide, "abc", 9)); }, read_wide},
    {"mbstowcs_from", [] { use(std::mbstowcs(wide, text, 9)); }, write_text},
    {"wcstombs", [] { use(std::wcstombs(text, L"abc", 9)); }, read_text},
    {"wcstombs_from", [] { use(std::wcstombs(text, wide, 9)); }, write_wide},
    {"swprintf", [] { use(std::swprintf(wide, 9, L"%d", 4)); }, read_wide},
    {"sscanf", [] { use(std::sscanf(text, "%*d")); }, write_text},
    {"sscanf_int", [] { use(std::sscanf("7", "%d", &number)); }, read_number},
    {"sscanf_double", [] { use(std::sscanf("1 7", "%*d%lf", &real)); }, read_real},
    {"sscanf_text", [] { use(std::sscanf("7 a", "%d %[^b]", &number, text)); }, read_text},
    {"sscanf_count", [] { use(std::sscanf("7", "%*d%n", &number)); }, read_number},
    {"vsscanf", [] { use(scan("7", "%d", &number)); }, read_number},
    {"swscanf", [] { use(std::swscanf(L"7", L"%d", &number)); }, read_number},
    {"frexp", [] { use(std::frexp(real, &number)); }, read_number},
    {"modf", [] { use(std::modf(number + 0.5, &real)); }, read_real},
    {"remquo", [] { use(std::remquo(real, 2.0, &number)); }, read_number},
    {"rand_r", [] { use(rand_r(reinterpret_cast<unsigned*>(&number))); }, read_number},
    {"strftime", [] { use(std::strftime(text, 9, "%Y", &date)); }, read_text},
    {"strftime_date", [] { use(std::strftime(other, 9, "%Y", &date)); }, [] { date.tm_year = 3; }},
    {"wcsftime", [] { use(std::wcsftime(wide, 9, L"%Y", &date)); }, read_wide},
    {"asctime_r", [] { use(asctime_r(&date, text)); }, read_text},
    {"ctime_r", [] { use(ctime_r(&now, text)); }, read_text},
    {"gmtime_r", [] { use(gmtime_r(&now, &date)); }, read_date},
    {"localtime_r", [] { use(localtime_r(&now, &date)); }, read_date},
    {"localtime_time", [] { use(std::localtime(&now)); }, [] { now = 1; }},
    {"mktime", [] { use(std::mktime(&date)); }, read_date},
    {"strptime", [] { use(strptime("1970", "%Y", &date)); }, read_date},
    {"time", [] { use(std::time(&now)); }, [] { use(now); }},
    {"gettimeofday", [] { gettimeofday(&of_day, nullptr); }, [] { use(of_day.tv_sec); }},
    {"clock_gettime", [] { clock_gettime(CLOCK_MONOTONIC, &of_clock); },
     [] { use(of_clock.tv_sec); }},
    {"sem_getvalue", [] { sem_getvalue(&semaphore, &number); }, read_number},
    {"getentropy", [] { use(getentropy(text, 8)); }, read_text},
    {"getrandom", [] { use(getrandom(text, 8, 0)); }, read_text},
    {"gethostname", [] { use(gethostname(text, 60)); }, read_text},
    {"getcwd", [] { assert(getcwd(text, sizeof text) != nullptr); }, read_text},
    {"strerror_r", [] { use(strerror_r(12345, text, 40)); }, read_text},
    {"inet_ntop", [] { use(inet_ntop(AF_INET, "abcd", text, 40)); }, read_text},
    {"inet_pton", [] { assert(inet_pton(AF_INET, "1.2.3.4", &number) == 1); }, read_number},
    {"puts", [] { std::puts(text); }, write_text},
    {"fputs", [] { std::fputs(text, stderr); }, write_text},
    {"fwrite", [] { use(std::fwrite(text, 1, 3, stderr)); }, write_text},
    {"write", [] { use(write(2, text, 3)); }, write_text},
    {"read",
     [] {
       const int file = open("/proc/self/cmdline", O_RDONLY);
       assert(read(file, text, 3) == 3 && pread(file, text, 3, 0) == 3);
       close(file);
     },
     read_text},
    {"read_page",  // which nobody has written
     [] {
       const int file = open("/proc/self/cmdline", O_RDONLY);
       assert(read(file, page, 3) == 3);
       close(file);
     },
     [] { use(page[0]); }},
    {"fgets",
     [] {
       std::FILE* const file = std::fopen("/proc/self/status", "r");
       assert(std::fgets(text, 10, file) != nullptr && std::fread(other, 1, 5, file) == 5);
       std::fclose(file);
     },
     read_text},
    {"fread",
     [] {
       std::FILE* const file = std::fopen("/proc/self/status", "r");
       assert(std::fread(text, 1, 5, file) == 5);
       std::fclose(file);
     },
     read_text},
    {"hash", [] { use(std::hash<std::string>{}(word)); }, write_word},
    {"to_chars", [] { use(std::to_chars(text, text + 20, real).ptr); }, read_text},
    {"to_chars_float", [] { use(std::to_chars(text, text + 20, 1.5f).ptr); }, read_text},
    {"to_chars_precision",
     [] { use(std::to_chars(text, text + 20, 1.5L, std::chars_format::fixed, 3).ptr); }, read_text},
    {"from_chars", [] { use(std::from_chars(text, text + 9, real).ptr); }, write_text},
    {"from_chars_value",
     [] {
       const char digit[] = "7";
       use(std::from_chars(digit, digit + 1, real).ptr);
     },
     read_real},
};

int main(int, char** arguments) {
  sem_init(&semaphore, 0, 1);
  for (const entry& each : entries) {
    if (std::strcmp(each.name, arguments[1]) != 0) continue;
    const auto alone = [](void (*work)()) {
#ifndef BROKEN
      const std::lock_guard held(lock);
#endif
      work();
    };
    std::thread thread([&] { alone(each.library); });
    alone(each.plain);
    thread.join();
    return 0;
  }
  return 1;
}
