using StackExchange.Redis;

namespace MtaTls.Redis;

/// <summary>What Redis answers to a command that it does not carry out.</summary>
internal static class RedisErrors
{
    /// <summary>Whether a key holds something else than the command is for.</summary>
    public static bool IsWrongType(RedisServerException e) => e.Message.StartsWith("WRONGTYPE", StringComparison.Ordinal);
}
