package main

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"cairn"
	"cairn/internal/app"
)

func (c *cli) userCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "user",
		Short: "Who can sign in",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.userAddCommand())
	return cmd
}

func (c *cli) userAddCommand() *cobra.Command {
	var n app.NewUser
	var fromInput bool
	cmd := &cobra.Command{
		Use:   "add MAIL",
		Short: "Add somebody who can sign in",
		Long: `Add somebody who can sign in. On a terminal the password is asked for;
otherwise, or when nothing is typed, one is made and printed.`,
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&n.Name, "name", "", "what people read (default the part before the @)")
	cmd.Flags().BoolVar(&n.Admin, "admin", false, "may manage users")
	cmd.Flags().BoolVar(&fromInput, "password-stdin", false, "read the password from standard input")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		n.Mail = args[0]
		made, err := c.password(&n, fromInput)
		if err != nil {
			return err
		}
		u, err := call(c, cmd, app.AddUser, n, nil)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s (%s) can sign in now.\n", u.Mail, u.Name)
		if made {
			fmt.Fprintf(c.out, "Password: %s\n", n.Password)
		}
		return nil
	}
	return cmd
}

// password fills in n's password and reports whether it was made here.
func (c *cli) password(n *app.NewUser, fromInput bool) (made bool, err error) {
	switch {
	case fromInput:
		line, err := bufio.NewReader(c.in).ReadString('\n')
		n.Password = strings.TrimRight(line, "\r\n")
		if n.Password == "" {
			return false, cairn.Errorf(cairn.Invalid, "There is no password on standard input.").At("password").Because(err)
		}
		return false, nil
	case terminal(c.in):
		if n.Password, err = c.ask(); err != nil || n.Password != "" {
			return false, err
		}
	}
	n.Password = rand.Text()[:20]
	return true, nil
}

// ask asks twice for a password that the terminal does not show; an empty one
// means that one shall be made.
func (c *cli) ask() (string, error) {
	fd := int(c.in.(*os.File).Fd())
	var typed [2]string
	for i, prompt := range []string{"Password (empty: one is made): ", "Once more: "} {
		fmt.Fprint(c.err, prompt)
		b, err := term.ReadPassword(fd)
		fmt.Fprintln(c.err)
		if err != nil {
			return "", err
		}
		if typed[i] = string(b); i == 0 && typed[0] == "" {
			return "", nil
		}
	}
	if typed[0] != typed[1] {
		return "", cairn.Errorf(cairn.Invalid, "The two passwords differ.").At("password")
	}
	return typed[0], nil
}
