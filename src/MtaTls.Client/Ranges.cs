using System.Runtime.CompilerServices;

namespace MtaTls.Client;

/// <summary>Range checks of option setters.</summary>
internal static class Ranges
{
    public static T Check<T>(T value, T min, T max, [CallerMemberName] string? name = null)
        where T : IComparable<T> =>
        value.CompareTo(min) >= 0 && value.CompareTo(max) <= 0
            ? value
            : throw new ArgumentOutOfRangeException(name, value, $"{name} must be from {min} to {max}.");

    public static TimeSpan PositiveOrInfinite(TimeSpan value, [CallerMemberName] string? name = null) =>
        value > TimeSpan.Zero && value <= TimeSpan.FromDays(24) || value == Timeout.InfiniteTimeSpan
            ? value
            : throw new ArgumentOutOfRangeException(name, value, $"{name} must be more than zero and at most 24 days, or infinite.");
}
