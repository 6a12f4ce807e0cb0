using System.CommandLine;

namespace MtaTls.Tool.Gateways;

/// <summary>Defaults from the environment: <c>--cacert</c> is <c>MTATLS_CACERT</c>, <c>--connect-timeout</c> is <c>MTATLS_CONNECT_TIMEOUT</c>.</summary>
internal static class EnvironmentDefaults
{
    public static string NameOf(Option option) => "MTATLS_" + option.Name.TrimStart('-').Replace('-', '_').ToUpperInvariant();

    /// <summary>Takes the option's default from the environment.</summary>
    /// <param name="option">The option.</param>
    /// <param name="parse">Reads the variable's value; a FormatException says what is wrong.</param>
    public static void Apply<T>(Option<T> option, Func<string, T> parse)
    {
        string name = NameOf(option);
        if (Environment.GetEnvironmentVariable(name) is not { Length: > 0 } text)
        {
            return;
        }

        option.DefaultValueFactory = result =>
        {
            try
            {
                return parse(text);
            }
            catch (FormatException e)
            {
                result.AddError($"The environment variable {name} is wrong: {e.Message}.");
                return default!;
            }
        };
    }
}
