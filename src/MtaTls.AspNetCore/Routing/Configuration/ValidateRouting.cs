using Microsoft.Extensions.Options;
using MtaTls.AspNetCore.Identities;

namespace MtaTls.AspNetCore.Routing;

/// <summary>Checks the routes and the identity rules of <see cref="MtaTlsOptions"/>. Their errors are reported together with all other errors of the options.</summary>
internal sealed class ValidateRouting : IValidateOptions<MtaTlsOptions>
{
    public ValidateOptionsResult Validate(string? name, MtaTlsOptions options)
    {
        var errors = new List<string>();
        ChannelRouteTable.Create(options.Channels, errors);
        IdentityRule.ReadAll(options.IdentityLimits, errors);
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }
}
