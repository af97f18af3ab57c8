// One callable out of several, for std::visit.
#ifndef DIST_CORE_BASE_OVERLOAD_H_
#define DIST_CORE_BASE_OVERLOAD_H_

namespace dist {

template <class... F>
struct Overload : F... {
  using F::operator()...;
};
template <class... F>
Overload(F...) -> Overload<F...>;

}  // namespace dist

#endif  // DIST_CORE_BASE_OVERLOAD_H_
