using System.CommandLine;

namespace MtaTls.Tool.Gateways;

/// <summary>Takes defaults of options from environment variables: <c>MTATLS_CACERT</c> for <c>--cacert</c>, <c>MTATLS_CONNECT_TIMEOUT</c> for <c>--connect-timeout</c>.</summary>
internal static class EnvironmentDefaults
{
    public static string NameOf(Option option) => "MTATLS_" + option.Name.TrimStart('-').Replace('-', '_').ToUpperInvariant();

    /// <summary>Takes the option's default from the environment.</summary>
    /// <param name="option">The option.</param>
    /// <param name="parse">Parses the variable's value. The message of a FormatException becomes the error.</param>
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
                result.AddError($"The environment variable {name} is invalid: {e.Message}.");
                return default!;
            }
        };
    }
}
